#include "logs/rotating_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "logs/test_files.h"

namespace sup::logs {
namespace {

struct Rotating : testing::Test {
  TestFolder folder;
  FaultyFiles files;

  RotatingFile open(long long max_bytes, long long backups) {
    return RotatingFile::open({folder.path("log"), max_bytes, backups}, files).value();
  }
  static std::string drain(int fd) {
    char buffer[1 << 17];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
  }
};

TEST_F(Rotating, a_closed_file_takes_anything) {
  RotatingFile file;
  EXPECT_TRUE(file.write("x"));
  EXPECT_TRUE(file.reopen());
  EXPECT_TRUE(file.clear());
  EXPECT_FALSE(file.is_open());
}

TEST_F(Rotating, a_file_that_could_not_be_opened_is_opened_by_a_reopen) {
  auto file = RotatingFile::closed({folder.path("log"), 0, 0});
  EXPECT_FALSE(file.is_open());
  EXPECT_TRUE(file.write("lost"));
  ASSERT_TRUE(file.reopen());
  EXPECT_TRUE(file.is_open());
  ASSERT_TRUE(file.write("kept"));
  EXPECT_EQ(folder.get("log"), "kept");
}

TEST_F(Rotating, appends_to_what_is_there) {
  folder.put("log", "old ");
  auto file = open(0, 0);
  ASSERT_TRUE(file.write("new"));
  EXPECT_EQ(folder.get("log"), "old new");
}

TEST_F(Rotating, an_own_file_follows_and_extends_nothing_that_others_have_planted) {
  const std::string path = folder.path("log");
  const std::string victim = folder.path("victim");
  const auto write_own = [&] {
    auto file = RotatingFile::open({path, 0, 0, true}, files);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->write("secret"));
    EXPECT_EQ(folder.get("victim"), "precious");
    EXPECT_FALSE(std::filesystem::is_symlink(path));
    EXPECT_EQ(folder.get("log"), "secret");
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::remove(path);
  };
  folder.put("victim", "precious");
  std::filesystem::create_symlink(victim, path);
  write_own();
  std::filesystem::create_hard_link(victim, path);
  write_own();
  ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0);
  write_own();

  auto file = RotatingFile::open({path, 4, 1, true}, files).value();
  EXPECT_TRUE(file.write("abc"));
  std::filesystem::create_symlink(victim, path + ".1");
  EXPECT_TRUE(file.write("def"));  // is rotated onto the link
  EXPECT_EQ(folder.get("victim"), "precious");
  EXPECT_EQ(folder.get("log.1"), "abcdef");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(victim, path);
  EXPECT_TRUE(file.reopen());
  EXPECT_TRUE(file.write("x"));
  EXPECT_EQ(folder.get("victim"), "precious");
}

TEST_F(Rotating, rotates_after_the_write_that_reaches_the_limit) {
  auto file = open(10, 3);
  ASSERT_TRUE(file.write("012345678"));
  EXPECT_FALSE(folder.has("log.1"));
  ASSERT_TRUE(file.write("9"));
  EXPECT_EQ(folder.get("log.1"), "0123456789");
  EXPECT_EQ(folder.get("log"), "");
}

TEST_F(Rotating, shifts_backups_and_drops_the_oldest) {
  auto file = open(2, 3);
  for (const char* text : {"11", "22", "33", "44", "55", "6"})
    ASSERT_TRUE(file.write(text));
  EXPECT_EQ(folder.get("log"), "6");
  EXPECT_EQ(folder.get("log.1"), "55");
  EXPECT_EQ(folder.get("log.2"), "44");
  EXPECT_EQ(folder.get("log.3"), "33");
  EXPECT_FALSE(folder.has("log.4"));
}

TEST_F(Rotating, moves_backups_over_holes_as_they_are) {
  folder.put("log.1", "one");
  folder.put("log.3", "three");
  auto file = open(2, 9);
  ASSERT_TRUE(file.write("xx"));
  EXPECT_EQ(folder.get("log.1"), "xx");
  EXPECT_EQ(folder.get("log.2"), "one");
  EXPECT_EQ(folder.get("log.4"), "three");
  EXPECT_FALSE(folder.has("log.3"));
}

TEST_F(Rotating, an_absurd_number_of_backups_costs_nothing) {
  auto file = open(1, 4'000'000'000'000);
  ASSERT_TRUE(file.write("a"));
  ASSERT_TRUE(file.write("b"));
  EXPECT_EQ(folder.get("log.2"), "a");
}

TEST_F(Rotating, truncates_when_there_are_no_backups) {
  auto file = open(5, 0);
  ASSERT_TRUE(file.write("012345"));
  EXPECT_EQ(folder.get("log"), "");
  ASSERT_TRUE(file.write("ab"));
  EXPECT_EQ(folder.get("log"), "ab");
  EXPECT_FALSE(folder.has("log.1"));
}

TEST_F(Rotating, notices_that_others_truncate_the_file) {
  auto file = open(10, 1);
  ASSERT_TRUE(file.write("01234567"));
  folder.put("log", "");  // copytruncate
  ASSERT_TRUE(file.write("abcd"));
  EXPECT_EQ(folder.get("log"), "abcd");
  EXPECT_FALSE(folder.has("log.1"));
  ASSERT_TRUE(file.write("efghij"));
  EXPECT_EQ(folder.get("log.1"), "abcdefghij");
}

TEST_F(Rotating, two_users_of_one_file_rotate_it_once) {
  auto a = open(4, 5);
  auto b = open(4, 5);
  ASSERT_TRUE(a.write("aaaa"));
  ASSERT_TRUE(b.write("b"));  // still into what is log.1 now, and that is full
  ASSERT_TRUE(b.write("BB"));
  EXPECT_EQ(folder.get("log.1"), "aaaab");
  EXPECT_EQ(folder.get("log"), "BB");
  EXPECT_FALSE(folder.has("log.2"));
}

TEST_F(Rotating, a_failed_rotation_loses_nothing_and_goes_on_where_it_stopped) {
  folder.put("log.1", "one");
  folder.put("log.2", "two");
  auto file = open(4, 5);
  files.rename_fails_from = folder.path("log");
  const auto failed = file.write("0123");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, EACCES);
  EXPECT_EQ(file.lost(), 0U);
  EXPECT_TRUE(file.write("456"));  // said once; the next attempt comes after another max_bytes
  files.rename_fails_from.clear();
  EXPECT_TRUE(file.write("7"));
  EXPECT_EQ(folder.get("log.1"), "01234567");
  EXPECT_EQ(folder.get("log.2"), "one");
  EXPECT_EQ(folder.get("log.3"), "two");
  EXPECT_FALSE(folder.has("log.4"));
}

TEST_F(Rotating, writes_on_when_no_new_file_can_be_opened_and_tries_again_at_once) {
  auto file = open(4, 5);
  files.open_error = EMFILE;
  EXPECT_FALSE(file.write("0123"));
  EXPECT_FALSE(file.write("45"));
  EXPECT_EQ(file.lost(), 0U);
  files.open_error = 0;
  EXPECT_TRUE(file.write("6"));
  EXPECT_TRUE(file.write("x"));
  EXPECT_EQ(folder.get("log.1"), "0123456");
  EXPECT_EQ(folder.get("log"), "x");
}

TEST_F(Rotating, goes_on_after_interruptions_and_short_writes) {
  auto file = open(0, 0);
  files.interruptions = 3;
  files.most = 2;
  ASSERT_TRUE(file.write("0123456789"));
  EXPECT_EQ(folder.get("log"), "0123456789");
}

TEST_F(Rotating, counts_what_a_full_disk_does_not_take_and_goes_on_when_there_is_room) {
  auto file = open(0, 0);
  files.room = 4;
  const auto failed = file.write("0123456789");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ENOSPC);
  EXPECT_EQ(file.lost(), 6U);
  EXPECT_FALSE(file.write("ab"));
  EXPECT_EQ(file.lost(), 8U);
  files.room = 100;
  EXPECT_TRUE(file.write("cd"));
  EXPECT_EQ(folder.get("log"), "0123cd");
}

TEST_F(Rotating, reports_an_io_error) {
  auto file = open(0, 0);
  files.write_error = EIO;
  EXPECT_EQ(file.write("x").error().code, EIO);
  EXPECT_EQ(file.lost(), 1U);
}

TEST_F(Rotating, reopens_by_name) {
  auto file = open(0, 0);
  ASSERT_TRUE(file.write("a"));
  std::filesystem::rename(folder.path("log"), folder.path("moved"));
  ASSERT_TRUE(file.write("b"));
  ASSERT_TRUE(file.reopen());
  ASSERT_TRUE(file.write("c"));
  EXPECT_EQ(folder.get("moved"), "ab");
  EXPECT_EQ(folder.get("log"), "c");
}

TEST_F(Rotating, keeps_the_old_file_when_it_cannot_reopen) {
  auto file = open(0, 0);
  files.open_error = EACCES;
  EXPECT_FALSE(file.reopen());
  EXPECT_TRUE(file.write("a"));
  EXPECT_EQ(folder.get("log"), "a");
}

TEST_F(Rotating, clear_removes_the_file_and_leaves_the_backups) {
  folder.put("log.1", "one");
  auto file = open(100, 3);
  ASSERT_TRUE(file.write("a"));
  struct stat before {};
  ASSERT_EQ(::stat(folder.path("log").c_str(), &before), 0);
  const UniqueFd held(::open(folder.path("log").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file.clear());
  EXPECT_EQ(folder.get("log"), "");
  EXPECT_EQ(folder.get("log.1"), "one");
  EXPECT_EQ(drain(held.get()), "a");  // a new file, not the old one truncated
  files.unlink_error = EACCES;
  EXPECT_EQ(file.clear().error().code, EACCES);
}

TEST_F(Rotating, says_why_a_file_cannot_be_opened) {
  const auto file = RotatingFile::open({folder.path("none/log"), 0, 0});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ENOENT);
}

TEST_F(Rotating, a_named_pipe_without_reader_does_not_hang_and_keeps_text_for_a_later_one) {
  ASSERT_EQ(::mkfifo(folder.path("log").c_str(), 0600), 0);
  auto file = open(10, 3);
  EXPECT_TRUE(file.ignores_max_bytes());
  ASSERT_TRUE(file.write("0123456789ab"));
  const UniqueFd reader(::open(folder.path("log").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(drain(reader.get()), "0123456789ab");
  EXPECT_FALSE(folder.has("log.1"));
  EXPECT_TRUE(file.clear());
  EXPECT_TRUE(folder.has("log"));  // a pipe is never removed
}

TEST_F(Rotating, the_null_device_is_not_worth_a_warning) {
  auto file = RotatingFile::open({"/dev/null", 10, 3}, files);
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->ignores_max_bytes());
  EXPECT_TRUE(file->write("0123456789"));
}

TEST_F(Rotating, a_stalled_reader_costs_bytes_but_not_the_writer) {
  ASSERT_EQ(::mkfifo(folder.path("log").c_str(), 0600), 0);
  auto file = open(0, 0);
  const std::string much(1 << 20, 'x');
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(file.write(much).error().code, EAGAIN);
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(file.write(much));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(file.lost(), 101U * much.size() - 65536U);
  const UniqueFd reader(::open(folder.path("log").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(drain(reader.get()).size(), 65536U);
  EXPECT_TRUE(file.write("again"));
  EXPECT_EQ(drain(reader.get()), "again");
}

TEST_F(Rotating, a_descriptor_name_works_on_a_socket_and_a_pipe) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const UniqueFd a(pair[0]);
  const UniqueFd b(pair[1]);
  const UniqueFd in(pipe[0]);
  const UniqueFd out(pipe[1]);
  for (const std::string folder_name : {"/dev/fd/", "/proc/self/fd/"}) {
    auto to_socket = RotatingFile::open({folder_name + std::to_string(a.get()), 5, 3}, files);
    ASSERT_TRUE(to_socket);
    EXPECT_TRUE(to_socket->ignores_max_bytes());
    ASSERT_TRUE(to_socket->write("to the socket"));
    EXPECT_EQ(drain(b.get()), "to the socket");
    auto to_pipe = RotatingFile::open({folder_name + std::to_string(out.get()), 5, 3}, files);
    ASSERT_TRUE(to_pipe);
    ASSERT_TRUE(to_pipe->write("to the pipe"));
    EXPECT_EQ(drain(in.get()), "to the pipe");
  }
  EXPECT_EQ(::fcntl(out.get(), F_GETFL) & O_NONBLOCK, 0);  // others share it
}

TEST_F(Rotating, a_descriptor_of_a_file_shares_its_position_and_is_never_rotated_or_removed) {
  const UniqueFd own(::open(folder.path("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  auto file = RotatingFile::open({"/dev/fd/" + std::to_string(own.get()), 2, 3}, files);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("first "));
  ASSERT_EQ(::write(own.get(), "second ", 7), 7);
  ASSERT_TRUE(file->write(std::string(10000, 'x')));
  ASSERT_TRUE(file->clear());
  EXPECT_EQ(folder.get("out"), "first second " + std::string(10000, 'x'));
}

TEST_F(Rotating, a_blocking_pipe_that_can_only_be_shared_never_blocks_us) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const UniqueFd in(pipe[0]);
  const UniqueFd out(pipe[1]);
  auto target = Target::share(out.get());
  ASSERT_TRUE(target);
  const auto written = target->write(std::string(1 << 20, 'x'));
  EXPECT_EQ(written.bytes, 65536U);
  EXPECT_EQ(written.code, EAGAIN);
}

}  // namespace
}  // namespace sup::logs
