// Replies that are written piece by piece.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/test_server.h"

namespace sup::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST_F(HttpServer, StreamsInChunks) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {{"Content-Type", "text/plain"}}, ""});
  spin();
  EXPECT_EQ(without_date(peer.take()),
            "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nContent-Type: text/plain\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
  held[0]->chunk("0123456789abcdef");
  held[0]->chunk("");
  held[0]->chunk("x");
  EXPECT_EQ(peer.take(), "10\r\n0123456789abcdef\r\n1\r\nx\r\n");
  held[0]->end();
  EXPECT_EQ(peer.take(), "0\r\n\r\n");
  EXPECT_THAT(ask(peer, post("go on")), EndsWith("<go on>"));
}

TEST_F(HttpServer, StreamsToOldClientsUntilTheEnd) {
  open();
  for (const auto* bytes : {"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                            "GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    Peer peer(path);
    peer.send(bytes);
    spin();
    held.back()->begin({200, {}, ""});
    held.back()->chunk("abc");
    EXPECT_THAT(peer.take(), AllOf(EndsWith(" GMT\r\n\r\nabc"), Not(HasSubstr("chunked")))) << bytes;
    held.back()->end();
    spin();
    EXPECT_EQ(peer.take(), "");
    EXPECT_TRUE(peer.closed) << bytes;
  }
}

TEST_F(HttpServer, TellsWhenAStreamsClientIsGone) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  int gone = 0;
  held[0]->on_gone([&] { ++gone; });
  held[0]->begin({200, {}, ""});
  held[0]->chunk("x");
  peer.close();
  spin();
  EXPECT_EQ(gone, 1);
  held[0]->chunk("y");  // harmless
  held[0]->end();
  spin();
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpServer, TellsHowMuchAStreamsClientHasNotRead) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  EXPECT_EQ(held[0]->backlog(), 0u);
  for (int i = 0; i < 100; ++i)
    held[0]->chunk(std::string(65536, 'x'));
  EXPECT_GT(held[0]->backlog(), 1'000'000u);
  std::size_t got = 0;
  for (int i = 0; i < 1000 && held[0]->backlog() > 0; ++i) {
    got += peer.take().size();
    spin();
  }
  EXPECT_EQ(held[0]->backlog(), 0u);
  EXPECT_GT(got + peer.take().size(), 100u * 65536);
}

TEST_F(HttpServer, CutsAStreamThatNobodyEnds) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  held.clear();
  spin();
  peer.take();
  EXPECT_TRUE(peer.closed);
}

TEST_F(HttpServer, TellsWhenAStreamsClientHasTakenAll) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  int taken = 0;
  held[0]->when_taken([&] { ++taken; });
  EXPECT_EQ(taken, 0);
  spin();
  EXPECT_EQ(taken, 1);
  held[0]->chunk(std::string(3'000'000, 'x'));
  held[0]->when_taken([&] { ++taken; });
  spin();
  EXPECT_EQ(taken, 1);
  for (int i = 0; i < 1000 && taken == 1; ++i) {
    peer.take();
    spin();
  }
  EXPECT_EQ(taken, 2);
  EXPECT_EQ(held[0]->backlog(), 0u);
}

}  // namespace
}  // namespace sup::http
