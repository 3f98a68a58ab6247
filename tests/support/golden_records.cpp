// Writes the records of tests/golden/VERSION/ into a folder: golden_records FOLDER. tests/golden/write runs it.
#include <cstdio>
#include <fstream>
#include <string>

#include "base/version.h"
#include "os/memory_file.h"
#include "support/golden_events.h"

namespace {

template <class Record>
bool write(const std::string& path, const std::string& bytes, const Record& record) {
  std::ofstream(path + ".record", std::ios::binary) << bytes;
  std::ofstream text(path + ".txt");
  for (const std::string& line : sup::golden::describe(record)) text << line << '\n';
  return static_cast<bool>(text.flush());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sup;
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::puts(std::string(version).c_str());
    return 0;
  }
  if (argc != 2) return 2;
  const std::string folder = std::string(argv[1]) + "/";
  const auto file = daemon::write_snapshot(golden::sample_snapshot());
  const auto snapshot = file ? os::read_memory_file(file->get()) : std::unexpected(file.error());
  const auto pool = golden::sample_pool();
  const auto transit = golden::sample_transit();
  const auto transit_back = transit ? golden::read_transit(*transit) : std::unexpected(transit.error());
  const auto talk = golden::sample_talk();
  const auto talk_back = talk ? golden::read_talk(*talk) : std::unexpected(talk.error());
  const auto untold = golden::sample_untold();
  std::string programs = daemon::programs_head(golden::programs_space);
  for (const auto& line : golden::sample_programs()) programs += daemon::write_line(line);
  const bool done = snapshot && transit_back && talk_back && write(folder + "talk", *talk, *talk_back) &&
                    write(folder + "untold", engine::write_record(untold.record), untold) &&
                    write(folder + "pool", pool, process::read_notes(pool)) &&
                    write(folder + "transit", *transit, *transit_back) &&
                    write(folder + "programs", programs, golden::sample_programs()) &&
                    write(folder + "snapshot", *snapshot, golden::sample_snapshot()) &&
                    write(folder + "process", engine::write_record(golden::sample_process()), golden::sample_process()) &&
                    write(folder + "session", engine::write_record(golden::sample_session()), golden::sample_session()) &&
                    write(folder + "keeper", keeper::write_state(golden::sample_keeper()), golden::sample_keeper());
  if (!done) std::fputs("golden_records: cannot write\n", stderr);
  return done ? 0 : 1;
}
