#include "harness/runtime/real/real_network.hpp"

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "harness/runtime/real/resolver_configuration.hpp"
#include "harness/runtime/real/socket.hpp"
#include "harness/runtime/real/socket_listener.hpp"

namespace skidpad::runtime {

using Direction = Descriptor::Direction;

std::unique_ptr<Connection> connection_over(EventLoop& loop, int socket) {
  auto stream = std::make_shared<Stream>(Descriptor::watch(loop, socket));
  stream->learn_endpoints();
  return make_connection(std::move(stream));
}

Task<Result<std::unique_ptr<Connection>>> RealNetwork::connect(ConnectOptions options) {
  const std::string doing = "dial tcp " + to_text(options.to);
  const Duration timeout = options.timeout;
  auto connecting = connect_within_time(std::move(options));
  auto connection = co_await with_timeout<std::unique_ptr<Connection>>(runtime_, timeout, std::move(connecting), "i/o timeout");
  if (connection) co_return connection;
  Error failure = wrap(std::move(connection).error(), doing);
  // Whatever went wrong, no byte of the caller's has left: to him the other side refused.
  if (failure.code != ErrorCode::invalid) failure.code = ErrorCode::refused;
  co_return failure;
}

Task<Result<std::unique_ptr<Connection>>> RealNetwork::connect_within_time(ConnectOptions options) {
  if (options.tls && options.tls->server_name.empty()) options.tls->server_name = options.to.address;
  CO_TRY(const std::vector<std::string> addresses, co_await resolve(options.to.address));
  Error failure(ErrorCode::refused, "no address");
  for (const std::string& address : addresses) {
    Endpoint to = options.to;
    to.address = address;
    auto connection = co_await connect_to_address(to, options.tls);
    if (connection) co_return connection;
    failure = std::move(connection).error();
  }
  co_return failure;
}

Task<Result<std::unique_ptr<Connection>>> RealNetwork::connect_to_address(Endpoint to, std::optional<TlsClientOptions> tls) {
  TlsContext context;
  if (tls) {
    CO_TRY(context, client_context(*tls));
  }
  CO_TRY(const sockaddr_in address, socket_address(to));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) co_return Error(ErrorCode::refused, failed_call("socket", errno));
  // Made first: it closes the socket even if this task ends in the wait.
  auto stream = std::make_shared<Stream>(Descriptor::watch(loop_, socket));
  set_stream_options(socket);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) co_return Error(ErrorCode::refused, failed_call("connect", errno));
    int error_number = EINPROGRESS;
    while (error_number == EINPROGRESS) {
      co_await stream->descriptor->ready(Direction::write);
      socklen_t size = sizeof error_number;
      ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error_number, &size);
      if (error_number != 0) co_return Error(ErrorCode::refused, failed_call("connect", error_number));
      // No error may also mean "not yet", after a spurious wakeup.
      sockaddr_in peer{};
      socklen_t peer_size = sizeof peer;
      if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) error_number = EINPROGRESS;
    }
  }
  stream->learn_endpoints();
  if (tls) {
    CO_TRY(TlsSession session, TlsSession::for_client(context, socket, tls->server_name));
    stream->tls.emplace(std::move(session));
    CO_TRY(co_await run_handshake(stream));
  }
  co_return make_connection(std::move(stream));
}

Result<std::unique_ptr<Listener>> RealNetwork::listen(ListenOptions options) { return listen_on_socket(runtime_, loop_, std::move(options)); }

namespace {

class UdpSocket final : public DatagramSocket {
 public:
  explicit UdpSocket(std::shared_ptr<Descriptor> descriptor) : descriptor_(std::move(descriptor)), local_(local_endpoint(descriptor_->number())) {}
  ~UdpSocket() override { descriptor_->close(); }
  Task<Result<Datagram>> receive() override { return receive_from(descriptor_); }
  Result<void> send_to(Endpoint to, std::string bytes) override {
    TRY(const sockaddr_in address, socket_address(to));
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    if (::sendto(descriptor_->number(), bytes.data(), bytes.size(), MSG_NOSIGNAL, raw, sizeof address) >= 0) return success();
    if (errno == EAGAIN || errno == ENOBUFS) return success();  // dropped, as any router may
    return Error(ErrorCode::io, "write udp ->" + to_text(to) + ": " + failed_call("sendto", errno));
  }
  Endpoint local() const override { return local_; }

 private:
  static Task<Result<Datagram>> receive_from(std::shared_ptr<Descriptor> descriptor) {
    thread_local std::array<char, 65536> scratch;
    while (!descriptor->closed()) {
      sockaddr_in address{};
      socklen_t size = sizeof address;
      const ssize_t count = ::recvfrom(descriptor->number(), scratch.data(), scratch.size(), 0, reinterpret_cast<sockaddr*>(&address), &size);
      if (count >= 0) {
        Datagram datagram;
        datagram.from = endpoint_of(address);
        datagram.bytes.assign(scratch.data(), static_cast<std::size_t>(count));
        co_return datagram;
      }
      // ECONNREFUSED tells of an earlier send to a closed port: nothing a receiver of many peers can use.
      if (errno == EINTR || errno == ECONNREFUSED) continue;
      if (errno != EAGAIN) co_return Error(ErrorCode::io, failed_call("recvfrom", errno));
      co_await descriptor->ready(Direction::read);
    }
    co_return Error(ErrorCode::io, "socket closed");
  }
  std::shared_ptr<Descriptor> descriptor_;
  Endpoint local_;
};

}  // namespace

Result<std::unique_ptr<DatagramSocket>> RealNetwork::open_datagram(Endpoint at) {
  TRY(const sockaddr_in address, socket_address(at));
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return Error(ErrorCode::io, failed_call("socket", errno));
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error_number = errno;
    ::close(socket);
    const ErrorCode code = error_number == EADDRINUSE ? ErrorCode::already_exists : ErrorCode::io;
    return Error(code, "listen udp " + to_text(at) + ": " + failed_call("bind", error_number));
  }
  return std::unique_ptr<DatagramSocket>(std::make_unique<UdpSocket>(Descriptor::watch(loop_, socket)));
}

Task<Result<std::vector<std::string>>> RealNetwork::resolve(std::string host) {
  if (is_ipv4(host)) co_return std::vector<std::string>(1, host);
  // An unset host is this machine, as in Go.
  if (host.empty() || host == "localhost") co_return std::vector<std::string>(1, "127.0.0.1");
  if (auto hosts = runtime_.disk().read("/etc/hosts", 1 << 20)) {
    auto addresses = find_in_hosts(hosts.value(), host);
    if (!addresses.empty()) co_return std::move(addresses);
  }
  auto text = runtime_.disk().read("/etc/resolv.conf", 1 << 20);
  DnsConfiguration configuration = parse_resolver_configuration(text ? std::string_view(text.value()) : std::string_view());
  co_return co_await resolve_by_dns(runtime_, std::move(configuration), std::move(host));
}

std::string RealNetwork::own_address() const {
  const std::string given = runtime_.environment("SKIDPAD_NODE_ADDRESS");
  if (!given.empty()) return given;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return "127.0.0.1";
  std::string address = "127.0.0.1";
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
    address = endpoint_of(*reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)).address;
    break;
  }
  ::freeifaddrs(list);
  return address;
}

namespace {

/// Adds or removes ADDRESS/32 on the loopback device over rtnetlink. Returns 0 or an error number.
int change_loopback_address(const in_addr& address, int message_type, int flags) {
  struct Request {
    nlmsghdr header;
    ifaddrmsg body;
    rtattr local_header;
    in_addr local;
    rtattr address_header;
    in_addr address;
  } request{};
  static_assert(sizeof(Request) == sizeof(nlmsghdr) + sizeof(ifaddrmsg) + 2 * RTA_LENGTH(sizeof(in_addr)));
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = static_cast<std::uint16_t>(message_type);
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  request.body.ifa_family = AF_INET;
  request.body.ifa_prefixlen = 32;
  request.body.ifa_scope = RT_SCOPE_HOST;
  request.body.ifa_index = ::if_nametoindex("lo");
  request.local_header.rta_len = request.address_header.rta_len = RTA_LENGTH(sizeof(in_addr));
  request.local_header.rta_type = IFA_LOCAL;
  request.address_header.rta_type = IFA_ADDRESS;
  request.local = request.address = address;

  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return errno;
  int error_number = 0;
  std::array<char, 4096> answer{};
  if (::send(socket, &request, sizeof request, 0) < 0) {
    error_number = errno;
  } else if (::recv(socket, answer.data(), answer.size(), 0) < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) {
    error_number = EPROTO;
  } else {
    nlmsgerr result;
    std::memcpy(&result, answer.data() + sizeof(nlmsghdr), sizeof result);
    error_number = -result.error;
  }
  ::close(socket);
  return error_number;
}

}  // namespace

Result<void> RealNetwork::may_change_addresses(const std::string& address) const {
  if (!is_ipv4(address)) return Error(ErrorCode::invalid, "local address " + address + ": not an IPv4 address");
  if (runtime_.environment("SKIDPAD_NODE_NETWORK") != "own") {
    return Error(ErrorCode::unsupported, "local address " + address + ": this network is not the node's own (SKIDPAD_NODE_NETWORK is not \"own\")");
  }
  return success();
}

Result<void> RealNetwork::add_local_address(const std::string& address) {
  if (is_ipv4(address) && address.starts_with("127.")) return success();  // all of 127.0.0.0/8 is local already
  TRY(may_change_addresses(address));
  Endpoint endpoint;
  endpoint.address = address;
  TRY(const sockaddr_in raw, socket_address(endpoint));
  const int error_number = change_loopback_address(raw.sin_addr, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  if (error_number == 0 || error_number == EEXIST) return success();
  return Error(ErrorCode::unsupported, "local address " + address + ": " + failed_call("netlink", error_number));
}

Result<void> RealNetwork::remove_local_address(const std::string& address) {
  if (is_ipv4(address) && address.starts_with("127.")) return success();
  TRY(may_change_addresses(address));
  Endpoint endpoint;
  endpoint.address = address;
  TRY(const sockaddr_in raw, socket_address(endpoint));
  const int error_number = change_loopback_address(raw.sin_addr, RTM_DELADDR, 0);
  if (error_number == 0 || error_number == EADDRNOTAVAIL) return success();
  return Error(ErrorCode::unsupported, "local address " + address + ": " + failed_call("netlink", error_number));
}

}  // namespace skidpad::runtime
