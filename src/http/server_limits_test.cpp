// What the server allows its clients, good and bad, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/test_server.h"

namespace sup::http {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

// ---- limits and ends

TEST_F(HttpServer, ClosesIdleConnections) {
  EXPECT_EQ(Limits().idle_seconds, 30 * 60);
  limits.idle_seconds = 0;
  open();
  Peer peer(path);
  spin();
  peer.take();
  EXPECT_TRUE(peer.closed);
}

TEST_F(HttpServer, ClosesConnectionsThatNeverFinishARequest) {
  limits.request_seconds = 0;
  open();
  Peer idle(path), slow(path);
  EXPECT_EQ(ask(slow, "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), "");
  spin();
  slow.take();
  EXPECT_TRUE(slow.closed);
  EXPECT_THAT(ask(idle, post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, HasNothingToWaitForWhenNobodyIsConnected) {
  open();
  { ask_once(post("x")); }
  spin();
  server->close();
  spin();
  loop.restart();
  EXPECT_EQ(loop.run(), 0u);  // returns: no timer is armed
}

TEST_F(HttpServer, MakesRoomForNewClients) {
  limits.connections = 2;
  open();
  Peer first(path), second(path);
  spin();
  EXPECT_THAT(ask(second, post("x")), EndsWith("<x>"));
  Peer third(path);
  EXPECT_THAT(ask(third, post("y")), EndsWith("<y>"));
  first.take();
  EXPECT_TRUE(first.closed);
  EXPECT_THAT(ask(second, post("z")), EndsWith("<z>"));
}

TEST_F(HttpServer, MakesNoRoomForWhoHasLeftAlready) {
  limits.connections = 1;
  open();
  Peer first(path);
  spin();
  for (int i = 0; i < 40; ++i) Peer(path).close();
  spin();
  EXPECT_THAT(ask(first, post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, FinishesRepliesWhenClosed) {
  open();
  Peer idle(path), waiting(path), asking(path);
  waiting.send("GET /later HTTP/1.1\r\n\r\n");
  spin();
  EXPECT_THAT(ask(asking, "GET /close HTTP/1.1\r\n\r\n"), EndsWith("bye"));
  EXPECT_TRUE(asking.closed || (asking.take().empty() && asking.closed));
  idle.take();
  EXPECT_TRUE(idle.closed);
  EXPECT_FALSE(Peer(path).connected);
  held[0]->reply({200, {}, "done"});
  spin();
  EXPECT_THAT(waiting.take(), EndsWith("done"));
  EXPECT_TRUE(waiting.closed);
}

TEST_F(HttpServer, FreesItsAddressesWhenClosedThoughAnotherProcessHasACopyOfTheSockets) {
  auto tcp = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(tcp);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(tcp->get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const UniqueFd copy_of_tcp(::dup(tcp->get()));
  auto unix_socket = listen_unix(path, 0700, -1, -1, nullptr);
  ASSERT_TRUE(unix_socket);
  const UniqueFd copy_of_unix(::dup(unix_socket->get()));
  server.emplace(loop, [](const std::shared_ptr<Exchange>&) {}, log);
  server->serve(std::move(*tcp), {}, "inet_http_server");
  server->serve(std::move(*unix_socket), {}, "unix_http_server");
  spin();
  EXPECT_FALSE(listen_tcp("127.0.0.1", ntohs(address.sin_port)));
  server->close();
  EXPECT_FALSE(Peer(path).connected);
  EXPECT_TRUE(listen_tcp("127.0.0.1", ntohs(address.sin_port)));
}

TEST_F(HttpServer, LeavesExchangesHarmlessWhenItGoes) {
  open();
  Peer peer(path);
  peer.send("GET /later HTTP/1.1\r\n\r\n");
  spin();
  int gone = 0;
  held[0]->on_gone([&] { ++gone; });
  server.reset();
  held[0]->reply({200, {}, "nobody"});
  EXPECT_EQ(held[0]->request().target, "/later");
  spin();
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpServer, ParksConnectionsWhenNothingIsInFlightAndAnotherGoesOnWithThem) {
  open();
  Peer idle(path);
  Peer busy(path);
  spin();
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  spin();
  ASSERT_EQ(held.size(), 1u);
  std::vector<UniqueFd> parked;
  std::vector<std::string> labels;
  server->park([&](const UniqueFd& fd, const std::string& label) {
    parked.emplace_back(::dup(fd.get()));
    labels.push_back(label);
  });
  EXPECT_EQ(parked.size(), 1u);
  EXPECT_EQ(server->connections(), 1u);
  held.front()->reply({200, {}, "later"});
  spin();
  EXPECT_EQ(parked.size(), 2u);
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_TRUE(busy.take().ends_with("later"));
  EXPECT_FALSE(busy.closed);
  // What comes meanwhile waits.
  EXPECT_EQ(ask(idle, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_EQ(requests, 1);

  server.reset();
  std::filesystem::remove(path);
  open();
  for (std::size_t i = 0; i < parked.size(); ++i)
    server->adopt(std::move(parked[i]), labels[i]);
  spin();
  EXPECT_EQ(requests, 2);
  EXPECT_TRUE(idle.take().ends_with("<>"));
  EXPECT_FALSE(idle.closed);
  EXPECT_TRUE(ask(busy, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2").ends_with("<2>"));
}

// ---- bad clients beside good ones

TEST_F(HttpServer, LetsNobodyWaitForAllThatAnotherHasPipelined) {
  open();
  Peer bad(path), good(path);
  spin();
  constexpr int flood = 3000;
  std::string requests_of_bad;
  for (int i = 0; i < flood; ++i)
    requests_of_bad += "GET /bad HTTP/1.1\r\n\r\n";
  bad.send(requests_of_bad);
  good.send("GET /good HTTP/1.1\r\n\r\n");
  spin();
  bad.take();
  spin();
  EXPECT_EQ(requests, flood + 1);
  EXPECT_GT(good_request, 0);
  EXPECT_LT(good_request, flood);
}

TEST_F(HttpServer, CutsAReplyThatNobodyTakes) {
  limits.reply_seconds = 0;
  open();
  Peer stuck(path), good(path);
  stuck.send("GET /big HTTP/1.1\r\n\r\n");
  spin();
  EXPECT_LT(stuck.take().size(), 5'000'000u);
  EXPECT_TRUE(stuck.closed);
  EXPECT_THAT(ask(good, post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, ClosesWhoHasBeenStuckForLongestWhenMemoryIsUsedUp) {
  limits.memory_bytes = 12'000'000;
  open();
  Peer first(path), second(path), third(path);
  for (Peer* peer : {&first, &second, &third})
    peer->send("GET /big HTTP/1.1\r\n\r\n"), spin();
  const auto everything = [this](Peer& peer) {
    std::size_t got = 0;
    for (int i = 0; i < 1000 && !peer.closed && got < 5'000'000; ++i) {
      got += peer.take().size();
      spin();
    }
    return got;
  };
  EXPECT_LT(everything(first), 5'000'000u);
  EXPECT_GE(everything(second), 5'000'000u);
  EXPECT_GE(everything(third), 5'000'000u);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("stuck for longest")));
}

TEST_F(HttpServer, SendsASingleReplyHoweverMuchMemoryItTakes) {
  limits.memory_bytes = 1000;
  open();
  Peer peer(path);
  peer.send("GET /big HTTP/1.1\r\n\r\n");
  std::size_t got = 0;
  for (int i = 0; i < 1000 && got < 5'000'000; ++i) {
    spin();
    got += peer.take().size();
  }
  EXPECT_GE(got, 5'000'000u);
}

TEST_F(HttpServer, CountsConnectionsOfEachSocketAlone) {
  limits.connections = 1;
  open();
  const std::string other = folder.path("t");
  auto listener = listen_unix(other, 0700, -1, -1, nullptr);
  ASSERT_TRUE(listener);
  server->serve(std::move(*listener), {{}, limits}, "other");
  Peer here(path);
  spin();
  Peer crowd[3]{Peer(other), Peer(other), Peer(other)};
  spin();
  EXPECT_EQ(server->connections(), 2u);
  EXPECT_THAT(ask(here, post("x")), EndsWith("<x>"));
  EXPECT_THAT(ask(crowd[2], post("y")), EndsWith("<y>"));
}

TEST_F(HttpServer, LeavesHalfOfTheDescriptorsForEverythingElse) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{100, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  open();
  ::setrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<Peer>> crowd;
  for (int i = 0; i < 80; ++i) {
    crowd.push_back(std::make_unique<Peer>(path));
    spin();
  }
  EXPECT_EQ(server->connections(), 50u);
  EXPECT_THAT(ask(*crowd.back(), post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, MakesRoomEvenWhereNobodyIsIdle) {
  limits.connections = 2;
  open();
  Peer slow(path), slower(path);
  ask(slow, "GET / HTTP/1.1\r\nX: ");
  ask(slower, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nx");
  Peer good(path);
  EXPECT_THAT(ask(good, post("x")), EndsWith("<x>"));
  slow.take();
  EXPECT_TRUE(slow.closed);
}

}  // namespace
}  // namespace sup::http
