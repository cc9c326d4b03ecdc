// What the runtime's own parts cost: waking, timers, child tasks, and a question and answer over the simulated network.
#include <benchmark/benchmark.h>

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::runtime {
namespace {

using sim::World;

Task<void> yield_times(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) co_await Yield();
}

/// 1,000 tasks that give way to each other; an item is one wakeup.
void wake(benchmark::State& state) {
  constexpr std::size_t tasks = 1000, yields = 1000;
  for (auto _ : state) {
    StopState stop;
    TaskGroup group(stop);
    for (std::size_t i = 0; i < tasks; ++i) group.spawn("yield", yield_times(yields));
    run_ready();
  }
  state.SetItemsProcessed(state.iterations() * tasks * yields);
}
BENCHMARK(wake)->Unit(benchmark::kMillisecond);

Task<int> add(int a, int b) { co_return a + b; }
Task<void> call_times(std::size_t count) {
  int sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum = co_await add(sum, 1);
  benchmark::DoNotOptimize(sum);
}

/// An item is one child task, made, awaited and destroyed.
void call(benchmark::State& state) {
  constexpr std::size_t calls = 1'000'000;
  for (auto _ : state) {
    StopState stop;
    TaskGroup group(stop);
    group.spawn("call", call_times(calls));
  }
  state.SetItemsProcessed(state.iterations() * calls);
}
BENCHMARK(call)->Unit(benchmark::kMillisecond);

Task<int> sleeper(Runtime& runtime, std::vector<std::string> arguments) {
  for (std::size_t left = std::stoul(arguments.at(0)); left > 0; --left) co_await runtime.sleep_for(Duration(runtime.random().below(1'000'000)));
  co_return 0;
}

Task<void> answer(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response;
  response.body = request.body;
  co_await responder.send(std::move(response));
}

Task<int> server(Runtime& runtime, std::vector<std::string>) {
  ListenOptions options;
  options.at.port = 80;
  auto listener = runtime.network().listen(std::move(options));
  if (!listener) co_return 1;
  HttpServer serving(runtime, answer);
  co_await serving.serve(std::move(listener.value()));
  co_return 0;
}

Task<int> client(Runtime& runtime, std::vector<std::string> arguments) {
  HttpClientOptions options;
  options.servers.push_back(Endpoint{"10.0.0.1", 80});
  HttpClient asking(runtime, options);
  for (std::size_t left = std::stoul(arguments.at(0)); left > 0; --left) {
    HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.body = "question";
    auto response = co_await asking.request(std::move(request));
    if (!response) co_return 1;
  }
  co_return 0;
}

std::unique_ptr<World> make_world() {
  auto world = std::make_unique<World>(sim::WorldOptions());
  world->register_program("sleeper", sleeper);
  world->register_program("server", server);
  world->register_program("client", client);
  for (int number = 1; number <= 2; ++number) {
    sim::MachineSpec spec;
    spec.name = "m" + std::to_string(number);
    spec.address = "10.0.0." + std::to_string(number);
    world->add_machine(std::move(spec));
  }
  return world;
}

void start(World& world, const std::string& machine, const std::string& program, std::size_t count) {
  ProcessSpec spec;
  spec.executable = program;
  spec.arguments = {std::to_string(count)};
  ASSERT(world.machine(machine)->start(std::move(spec)));
}

/// Live timers as given; an item is one timer armed, fired and its task woken.
void timers(benchmark::State& state) {
  const auto live = static_cast<std::size_t>(state.range(0));
  const std::size_t each = 1'000'000 / live;
  for (auto _ : state) {
    auto world = make_world();
    for (std::size_t i = 0; i < live; ++i) start(*world, "m1", "sleeper", each);
    world->run_until(Instant::max());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(live * each));
}
BENCHMARK(timers)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

/// 50 clients and one server on two simulated machines; an item is one HTTP request with its answer.
void http_in_simulation(benchmark::State& state) {
  constexpr std::size_t clients = 50, requests = 1000;
  std::uint64_t events = 0;
  for (auto _ : state) {
    auto world = make_world();
    start(*world, "m1", "server", 0);
    for (std::size_t i = 0; i < clients; ++i) start(*world, "m2", "client", requests);
    const auto all_done = [&] { return world->machine("m2")->processes().empty(); };
    ASSERT(world->run_until(Instant::max(), all_done));
    events += world->event_count();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(clients * requests));
  state.counters["events_per_second"] = benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}
BENCHMARK(http_in_simulation)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace skidpad::runtime

BENCHMARK_MAIN();
