#include "harness/runtime/sim/sim_network.hpp"

#include "harness/runtime/dns_client.hpp"
#include "harness/runtime/sim/sim_tls.hpp"

namespace skidpad::runtime::sim {
namespace {

constexpr std::size_t window_bytes = 1 << 20;
constexpr Duration retransmission_max = 120s;
constexpr Duration give_up_after = 924s;  ///< Linux's tcp_retries2 = 15

}  // namespace

/// One side of a connection as its machine's kernel holds it.
struct FlowEnd {
  std::string machine;
  std::uint64_t boot = 0;
  Endpoint endpoint;
  PeerIdentity peer;  ///< who the other side is
  std::deque<std::string> inbound;
  bool alive = true;          ///< the program has not closed it
  bool fin_received = false;
  bool fin_sent = false;
  std::string broken;         ///< why it is lost; "" while it works
  Event changed;
};

struct Flow : std::enable_shared_from_this<Flow>, private TimerNode {
  explicit Flow(World& world) : world(world), pipes{Pipe(world, *this, 0), Pipe(world, *this, 1)} {}
  World& world;
  FlowEnd ends[2];
  Pipe pipes[2];

  void lose(int side, const char* why) {
    FlowEnd& end = ends[side];
    if (!end.broken.empty()) return;
    end.broken = why;
    end.changed.notify_all();
    pipes[side].drained.notify_all();
  }
  bool path_works() const {
    const Machine* machines[2] = {world.machine(ends[0].machine), world.machine(ends[1].machine)};
    for (const Machine* machine : machines) {
      if (machine == nullptr || !machine->powered()) return false;
    }
    return !world.link(ends[0].machine, ends[1].machine).cut && !world.link(ends[1].machine, ends[0].machine).cut;
  }
  void watch_path(Duration after) {
    if (armed()) return;
    self = shared_from_this();
    world.timers().arm(*this, world.now() + after);
  }
  bool same_boot(int side) const;
  std::shared_ptr<Flow> self;  ///< while the keepalive timer runs

 private:
  void fire() override {
    const auto keep = std::move(self);
    if (!path_works() || !same_boot(0) || !same_boot(1)) {
      lose(0, "connection timed out");
      lose(1, "connection timed out");
    }
  }
};

class SimConnection final : public Connection {
 public:
  SimConnection(std::shared_ptr<Flow> flow, int side, const bool& silent) : flow_(std::move(flow)), side_(side), silent_(silent) {}
  ~SimConnection() override {
    if (silent_) {
      mine().alive = false;
      return;
    }
    close();
  }
  Task<Result<std::string>> read_some(std::size_t bytes_max) override {
    FlowEnd& end = mine();
    while (end.inbound.empty() && end.broken.empty() && !end.fin_received && end.alive) co_await end.changed.wait();
    if (!end.alive) co_return lost("closed");
    if (end.inbound.empty()) {
      if (!end.broken.empty()) co_return lost(end.broken);
      co_return std::string();
    }
    std::string bytes = std::move(end.inbound.front());
    end.inbound.pop_front();
    if (bytes.size() > bytes_max) {
      end.inbound.push_front(bytes.substr(bytes_max));
      bytes.resize(bytes_max);
    }
    Pipe& incoming = flow_->pipes[1 - side_];
    incoming.unread_bytes -= bytes.size();
    incoming.drained.notify_all();
    co_return bytes;
  }
  Task<Result<void>> write(std::string bytes) override {
    FlowEnd& end = mine();
    Pipe& pipe = flow_->pipes[side_];
    while (end.alive && end.broken.empty() && pipe.unread_bytes > window_bytes) co_await pipe.drained.wait();
    if (!end.broken.empty()) co_return lost(end.broken);
    if (!end.alive || end.fin_sent) co_return lost("closed");
    if (!bytes.empty()) pipe.send(Pipe::Kind::data, std::move(bytes));
    co_return success();
  }
  void close() override {
    FlowEnd& end = mine();
    if (!end.alive) return;
    end.alive = false;
    if (end.broken.empty()) {
      const bool unread = !end.inbound.empty();
      if (unread || !end.fin_sent) flow_->pipes[side_].send(unread ? Pipe::Kind::reset : Pipe::Kind::fin, {});
    }
    end.changed.notify_all();
    flow_->pipes[side_].drained.notify_all();
  }
  void shutdown_write() override {
    FlowEnd& end = mine();
    if (!end.alive || end.fin_sent || !end.broken.empty()) return;
    end.fin_sent = true;
    flow_->pipes[side_].send(Pipe::Kind::fin, {});
  }
  const PeerIdentity& peer() const override { return flow_->ends[side_].peer; }
  void set_peer(PeerIdentity peer) { mine().peer = std::move(peer); }
  Endpoint local() const override { return flow_->ends[side_].endpoint; }
  Endpoint remote() const override { return flow_->ends[1 - side_].endpoint; }

 private:
  FlowEnd& mine() { return flow_->ends[side_]; }
  Error lost(const std::string& why) const {
    return Error(ErrorCode::connection_lost, "connection to " + to_text(remote()) + ": " + why);
  }
  std::shared_ptr<Flow> flow_;
  int side_;
  const bool& silent_;
};

// --- Pipe ---

Pipe::Pipe(World& world, Flow& flow, int side) : world_(world), flow_(flow), side_(side) {}

void Pipe::send(Kind kind, std::string bytes) {
  if (!linked()) insert_before(world_.pipes());
  const std::string& from = flow_.ends[side_].machine;
  const std::string& to = flow_.ends[1 - side_].machine;
  Instant due = world_.now() + world_.draw_latency(from, to);
  if (!segments_.empty()) due = std::max(due, segments_.back().due);
  unread_bytes += bytes.size();
  segments_.push_back(Segment{due, kind, std::move(bytes)});
  if (!armed()) {
    keep_ = flow_.shared_from_this();
    world_.timers().arm(*this, due);
  }
}

void Pipe::fire() {
  const auto keep = std::move(keep_);
  const std::string& from = flow_.ends[side_].machine;
  const std::string& to = flow_.ends[1 - side_].machine;
  Machine* destination = world_.machine(to);
  const LinkState state = world_.link(from, to);
  const bool blocked = destination == nullptr || !destination->powered() || state.cut;
  const bool lost = !blocked && state.loss.numerator > 0 && world_.link_random().chance(state.loss);
  if (blocked || lost) {
    if (state.cut) ++world_.counters(from, to).dropped_by_cut;
    if (lost) ++world_.counters(from, to).lost;
    if (!stalled_) stalled_since_ = world_.now();
    stalled_ = true;
    if (world_.now() - stalled_since_ > give_up_after) {
      segments_.clear();
      flow_.lose(side_, "connection timed out");
      return;
    }
    keep_ = keep;
    world_.timers().arm(*this, world_.now() + retry_);
    retry_ = std::min<Duration>(retry_ * 2, retransmission_max);
    return;
  }
  stalled_ = false;
  retry_ = 200ms;
  while (!segments_.empty() && segments_.front().due <= world_.now()) {
    Segment segment = std::move(segments_.front());
    segments_.pop_front();
    if (from != to) {
      // Looked up once: the world keeps its counters for ever, and every segment passes here.
      if (counters_ == nullptr) counters_ = &world_.counters(from, to);
      ++counters_->delivered;
    }
    deliver(std::move(segment), *destination);
  }
  if (!segments_.empty()) {
    keep_ = keep;
    world_.timers().arm(*this, segments_.front().due);
  }
}

void Pipe::deliver(Segment segment, const Machine& destination) {
  FlowEnd& end = flow_.ends[1 - side_];
  world_.mix(segment.bytes.size() * 4 + static_cast<std::uint64_t>(segment.kind));
  if (destination.boot() != end.boot || !end.alive) {
    // Nobody is there any more: the kernel answers with a reset.
    if (segment.kind == Kind::data) flow_.lose(side_, "connection reset by peer");
    return;
  }
  switch (segment.kind) {
    case Kind::data:
      end.inbound.push_back(std::move(segment.bytes));
      break;
    case Kind::fin:
      end.fin_received = true;
      break;
    case Kind::reset:
      flow_.lose(1 - side_, "connection reset by peer");
      break;
  }
  end.changed.notify_all();
}

void Pipe::path_changed(const std::string& machine) {
  if (side_ == 1 && flow_.pipes[0].linked()) return;  // one of the two is enough
  if (flow_.ends[0].machine != machine && flow_.ends[1].machine != machine) return;
  if (!flow_.ends[0].alive && !flow_.ends[1].alive) return;
  flow_.watch_path(world_.options().keepalive_timeout);
}

void Pipe::abandon() {
  const auto keep = std::move(keep_);
  const auto self = std::move(flow_.self);
  segments_.clear();
  unlink();
}

bool Flow::same_boot(int side) const {
  const Machine* machine = world.machine(ends[side].machine);
  return machine != nullptr && machine->boot() == ends[side].boot;
}

// --- listeners, datagrams, the network of one process ---

class SimListener final : public Listener {
 public:
  SimListener(SimProcess& process, Endpoint at, std::optional<TlsServerOptions> tls)
      : process_(process), at_(std::move(at)), tls_(std::move(tls)), waiting_(1024), handshakes_(process.stop()) {
    process_.machine().listeners[at_] = this;
  }
  ~SimListener() override { close(); }
  Task<Result<std::unique_ptr<Connection>>> accept() override {
    auto next = co_await waiting_.pop();
    if (!next) co_return Error(ErrorCode::io, "listener closed");
    co_return std::move(*next);
  }
  Endpoint local() const override { return at_; }
  void close() override {
    if (waiting_.closed()) return;
    waiting_.close();
    process_.machine().listeners.erase(at_);
  }
  void replace_tls(TlsServerOptions tls) override { tls_ = std::move(tls); }
  /// A connection arrives. False if too many wait.
  bool offer(std::unique_ptr<SimConnection> connection) {
    if (!tls_) return waiting_.try_push(std::move(connection));
    if (handshakes_.running_count() >= handshakes_max) return false;
    handshakes_.spawn("tls_handshake", shake_hands(std::move(connection)));
    return true;
  }
  SimProcess& process() { return process_; }

 private:
  static constexpr std::size_t handshakes_max = 256;

  Task<void> shake_hands(std::unique_ptr<SimConnection> connection) {
    auto reading = read_record(*connection);
    auto hello = co_await with_timeout<std::string>(process_, 10s, std::move(reading), "tls handshake");
    if (!hello || !tls_) co_return;
    ServerAnswer answer = answer_hello(hello.value(), *tls_, process_.wall_now());
    auto written = co_await connection->write(std::move(answer.record));
    if (!written || !answer.client) co_return;
    connection->set_peer(std::move(*answer.client));
    waiting_.try_push(std::move(connection));
  }

  SimProcess& process_;
  Endpoint at_;
  std::optional<TlsServerOptions> tls_;
  Channel<std::unique_ptr<Connection>> waiting_;
  TaskGroup handshakes_;
};

class SimDatagramSocket final : public DatagramSocket {
 public:
  SimDatagramSocket(SimProcess& process, Endpoint at) : process_(process), at_(std::move(at)), received_(1024) {
    process_.machine().datagrams[at_] = this;
  }
  ~SimDatagramSocket() override { process_.machine().datagrams.erase(at_); }
  Task<Result<Datagram>> receive() override {
    auto next = co_await received_.pop();
    if (!next) co_return Error(ErrorCode::io, "socket closed");
    co_return std::move(*next);
  }
  Result<void> send_to(Endpoint to, std::string bytes) override;
  Endpoint local() const override { return at_; }
  void arrive(Datagram datagram) { received_.try_push(std::move(datagram)); }

 private:
  SimProcess& process_;
  Endpoint at_;
  Channel<Datagram> received_;
};

/// A datagram on its way; deletes itself on arrival.
class DatagramFlight final : public InFlight, private TimerNode {
 public:
  DatagramFlight(World& world, std::string machine, Endpoint to, Datagram datagram, Duration latency)
      : world_(world), machine_(std::move(machine)), to_(std::move(to)), datagram_(std::move(datagram)) {
    world_.timers().arm(*this, world_.now() + latency);
    insert_before(world_.in_flight());
  }

 private:
  void fire() override {
    const std::unique_ptr<DatagramFlight> self(this);
    Machine* machine = world_.machine(machine_);
    if (machine == nullptr || !machine->powered()) return;
    if (SimDatagramSocket* socket = machine->datagram_socket_for(to_)) socket->arrive(std::move(datagram_));
  }
  World& world_;
  std::string machine_;
  Endpoint to_;
  Datagram datagram_;
};

Result<void> SimDatagramSocket::send_to(Endpoint to, std::string bytes) {
  World& world = process_.machine().world();
  Machine* destination = world.route(process_.machine(), to.address);
  if (destination == nullptr) return Error(ErrorCode::io, "no route to " + to.address);
  const std::string& from = process_.machine().name();
  const LinkState state = world.link(from, destination->name());
  LinkCounters& counters = world.counters(from, destination->name());
  if (state.cut) {
    ++counters.dropped_by_cut;
    return success();
  }
  if (state.loss.numerator > 0 && world.link_random().chance(state.loss)) {
    ++counters.lost;
    return success();
  }
  Datagram datagram{at_, std::move(bytes)};
  if (datagram.from.address.empty()) {
    datagram.from.address = destination == &process_.machine() ? "127.0.0.1" : process_.machine().spec().address;
  }
  const bool twice = state.duplicate.numerator > 0 && world.link_random().chance(state.duplicate);
  if (twice) {
    ++counters.duplicated;
    new DatagramFlight(world, destination->name(), to, datagram, world.draw_latency(from, destination->name()));
  }
  ++counters.delivered;
  new DatagramFlight(world, destination->name(), to, std::move(datagram), world.draw_latency(from, destination->name()));
  return success();
}

class SimNetwork final : public Network {
 public:
  explicit SimNetwork(SimProcess& process) : process_(process) {}
  bool silent = false;

  Task<Result<std::unique_ptr<Connection>>> connect(ConnectOptions options) override {
    const Duration timeout = options.timeout;
    const std::string doing = "connecting to " + to_text(options.to);
    auto dialling = dial(std::move(options));
    co_return co_await with_timeout<std::unique_ptr<Connection>>(process_, timeout, std::move(dialling), doing);
  }

  Result<std::unique_ptr<Listener>> listen(ListenOptions options) override {
    Machine& machine = process_.machine();
    if (!options.at.address.empty() && options.at.address == "0.0.0.0") options.at.address.clear();
    if (options.at.port == 0) {
      options.at.port = machine.take_port();
    } else if (machine.listeners.contains(options.at)) {
      return Error(ErrorCode::already_exists, "listen tcp " + to_text(options.at) + ": bind: address already in use");
    }
    return std::unique_ptr<Listener>(new SimListener(process_, options.at, std::move(options.tls)));
  }

  Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at) override {
    Machine& machine = process_.machine();
    if (at.address == "0.0.0.0") at.address.clear();
    if (at.port == 0) at.port = machine.take_port();
    if (machine.datagrams.contains(at)) {
      return Error(ErrorCode::already_exists, "listen udp " + to_text(at) + ": bind: address already in use");
    }
    return std::unique_ptr<DatagramSocket>(new SimDatagramSocket(process_, std::move(at)));
  }

  Task<Result<std::vector<std::string>>> resolve(std::string host) override {
    if (is_ipv4(host)) co_return std::vector<std::string>(1, host);
    if (host == "localhost") co_return std::vector<std::string>(1, "127.0.0.1");
    const std::string nameserver = process_.machine().spec().nameserver;
    if (nameserver.empty()) co_return Error(ErrorCode::not_found, "lookup " + host + ": no such host");
    DnsConfiguration configuration;
    configuration.nameservers.push_back(nameserver);
    configuration.search = {"default.svc.cluster.local", "svc.cluster.local", "cluster.local"};
    co_return co_await resolve_by_dns(process_, std::move(configuration), std::move(host));
  }

  std::string own_address() const override { return process_.machine().spec().address; }
  Result<void> add_local_address(const std::string& address) override {
    process_.machine().local_addresses.insert(address);
    return success();
  }
  Result<void> remove_local_address(const std::string& address) override {
    process_.machine().local_addresses.erase(address);
    return success();
  }

 private:
  Task<Result<std::unique_ptr<Connection>>> dial(ConnectOptions options) {
    Machine& machine = process_.machine();
    World& world = machine.world();
    Endpoint to = options.to;
    const std::string host = to.address;
    auto addresses = co_await resolve(to.address);
    if (!addresses) co_return addresses.error();
    to.address = addresses.value().front();
    Duration retry = world.options().handshake_retry;
    SimListener* listener = nullptr;
    std::string destination_name;
    for (;;) {
      Machine* destination = world.route(machine, to.address);
      if (destination == nullptr) {
        co_await process_.sleep_for(3s);
        co_return Error(ErrorCode::refused, "dial tcp " + to_text(to) + ": no route to host");
      }
      destination_name = destination->name();
      const bool cut = world.link(machine.name(), destination_name).cut || world.link(destination_name, machine.name()).cut;
      if (cut || !destination->powered()) {
        if (cut) ++world.counters(machine.name(), destination_name).dropped_by_cut;
        co_await process_.sleep_for(retry);
        retry *= 2;
        continue;
      }
      co_await process_.sleep_for(round_trip(world, destination_name));
      destination = world.machine(destination_name);
      if (destination == nullptr || !destination->powered()) continue;
      listener = destination->listener_for(to);
      if (listener == nullptr) co_return Error(ErrorCode::refused, "dial tcp " + to_text(to) + ": connect: connection refused");
      break;
    }
    Machine& destination = listener->process().machine();
    auto flow = std::make_shared<Flow>(world);
    flow->ends[0].machine = machine.name();
    flow->ends[0].boot = machine.boot();
    flow->ends[0].endpoint = Endpoint{to.address.starts_with("127.") ? "127.0.0.1" : machine.spec().address, machine.take_port()};
    flow->ends[1].machine = destination.name();
    flow->ends[1].boot = destination.boot();
    flow->ends[1].endpoint = to;
    auto client = std::make_unique<SimConnection>(flow, 0, silent);
    auto& server_network = static_cast<SimNetwork&>(listener->process().network());
    if (!listener->offer(std::make_unique<SimConnection>(flow, 1, server_network.silent))) {
      co_return Error(ErrorCode::refused, "dial tcp " + to_text(to) + ": accept queue is full");
    }
    if (options.tls) {
      auto greeted = co_await client->write(client_hello(*options.tls));
      if (!greeted) co_return greeted.error();
      auto answer = co_await read_record(*client);
      if (!answer) co_return answer.error();
      auto server = check_answer(answer.value(), *options.tls, host, process_.wall_now());
      if (!server) co_return server.error();
      client->set_peer(std::move(server.value()));
    }
    co_return client;
  }

  Duration round_trip(World& world, const std::string& destination) {
    return world.draw_latency(process_.machine().name(), destination) + world.draw_latency(destination, process_.machine().name());
  }

  SimProcess& process_;
};

std::unique_ptr<Network> make_sim_network(SimProcess& process) { return std::make_unique<SimNetwork>(process); }

void silent_on_close(Network& network, bool silent) { static_cast<SimNetwork&>(network).silent = silent; }

}  // namespace skidpad::runtime::sim
