// Every release reads what the releases before it have written: tests/golden/VERSION/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/version.h"
#include "support/golden_events.h"

namespace sup::golden {
namespace {

namespace fs = std::filesystem;

const fs::path& root() {
  static const fs::path path = fs::path(__FILE__).parent_path() / "../../tests/golden";
  return path;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::string record(const std::string& name) const { return read(root() / GetParam() / (name + ".record")); }

  template <class Record>
  void expect_all_lines(const std::string& name, const Result<Record>& back) const {
    ASSERT_TRUE(back) << back.error().text;
    const Lines seen = describe(*back);
    std::ifstream text(root() / GetParam() / (name + ".txt"));
    std::size_t count = 0;
    for (std::string line; std::getline(text, line); ++count) EXPECT_THAT(seen, testing::Contains(line));
    EXPECT_GT(count, 0u);
  }
};

TEST_P(Golden, ProcessRecordIsRead) { expect_all_lines("process", engine::read_process_record(record("process"))); }
TEST_P(Golden, SessionRecordIsRead) { expect_all_lines("session", engine::read_session_record(record("session"))); }
TEST_P(Golden, KeeperStateIsRead) { expect_all_lines("keeper", keeper::read_state(record("keeper"))); }
TEST_P(Golden, SnapshotIsRead) { expect_all_lines("snapshot", daemon::parse_snapshot(record("snapshot"))); }

TEST_P(Golden, AnEventThatIsNotToldIsRead) { expect_all_lines("untold", read_untold(record("untold"))); }

TEST_P(Golden, NotesOfAPoolAreRead) {
  expect_all_lines("pool", Result<process::PoolPicture>(process::read_notes(record("pool"))));
}
TEST_P(Golden, FileOfProgramsIsRead) {
  expect_all_lines("programs", Result<std::vector<daemon::ProgramLine>>(
                                   daemon::read_lines(record("programs"), programs_space)));
}
// These are bare memory: another layout has another format, and is not misread.
TEST_P(Golden, TalkIsReadOrRefused) {
  const auto back = read_talk(record("talk"));
  if (!back && GetParam() != version) return;
  expect_all_lines("talk", back);
}
TEST_P(Golden, TransitIsReadOrRefused) {
  const auto back = read_transit(record("transit"));
  if (!back && GetParam() != version) return;
  expect_all_lines("transit", back);
}

std::vector<std::string> releases() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root(), ignored)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Of, Golden, testing::ValuesIn(releases()), [](const testing::TestParamInfo<std::string>& release) {
  std::string name = release.param;
  std::ranges::replace_if(name, [](char c) { return c < '0' || c > 'z'; }, '_');
  return name;
});

TEST(GoldenRecords, OfThisVersionExist) {
  EXPECT_THAT(releases(), testing::Contains(std::string(version))) << "run tests/golden/write";
}

}  // namespace
}  // namespace sup::golden
