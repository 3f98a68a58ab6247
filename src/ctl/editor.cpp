#include "ctl/editor.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <utility>

#include "base/strings.h"
#include "ctl/complete.h"
#include "ctl/format.h"
#include "ctl/history.h"

#ifdef SUP_SANITIZED
// libedit copies the names of functions that are added to it and never frees them.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:wcsdup";
}
#endif

namespace sup::ctl {

struct Editor::Impl {
  Complete complete;
  std::optional<std::string> history_file;
  std::vector<std::string> lines;  // all that the history file should hold
  bool unsaved = false;
  std::string prompt;
  int interrupts = -1;
  EditLine* line = nullptr;
  History* history = nullptr;

  // What libedit calls, with its own pointer.
  static unsigned char on_tab(EditLine* line, int);
  static int next_character(EditLine* line, wchar_t* character);
  static char* show_prompt(EditLine* line);
  static Impl& of(EditLine* line) {
    void* self = nullptr;
    ::el_get(line, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }
  unsigned char insert_completion();
  void remember(const std::string& text);
};

namespace {

// libedit needs the terminal's encoding, and only libedit: everything else works on bytes. A plain C locale is taken
// for one whose terminal speaks UTF-8.
void choose_encoding() {
  if (!std::setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

// Waits for a byte of standard input; false at its end, on a failure, and when `interrupts` is readable.
bool read_byte(char& byte, int interrupts) {
  for (;;) {
    std::array<pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {interrupts, POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;  // EINTR
    if (ready[1].revents != 0) return false;
    return ::read(STDIN_FILENO, &byte, 1) == 1;
  }
}

}  // namespace

int Editor::Impl::next_character(EditLine* line, wchar_t* character) {
  std::mbstate_t state{};
  for (;;) {
    char byte = 0;
    if (!read_byte(byte, of(line).interrupts)) return 0;
    const std::size_t used = std::mbrtowc(character, &byte, 1, &state);
    if (used == static_cast<std::size_t>(-2)) continue;  // the character goes on
    if (used != static_cast<std::size_t>(-1)) return 1;
    state = {};  // no character begins like this: forget it
  }
}

char* Editor::Impl::show_prompt(EditLine* line) {
  return of(line).prompt.data();
}

unsigned char Editor::Impl::on_tab(EditLine* line, int) {
  return of(line).insert_completion();
}

unsigned char Editor::Impl::insert_completion() {
  const LineInfo* info = ::el_line(line);
  const std::string_view before(info->buffer, static_cast<std::size_t>(info->cursor - info->buffer));
  const std::string_view word = before.substr(word_start(before));
  const std::vector<std::string> candidates = complete(before, word);
  const std::string rest = common_prefix(candidates).substr(candidates.empty() ? 0 : word.size());
  if (!rest.empty()) return ::el_insertstr(line, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  if (candidates.size() < 2) return CC_ERROR;
  std::vector<std::string> names;
  for (const std::string& candidate : candidates)
    names.emplace_back(trim_right(candidate));
  const std::string table = '\n' + columnize(names, 79);
  std::fwrite(table.data(), 1, table.size(), stdout);
  return CC_REDISPLAY;
}

void Editor::Impl::remember(const std::string& text) {
  if (text.empty() || (!lines.empty() && lines.back() == text)) return;
  HistEvent event;
  ::history(history, &event, H_ENTER, text.c_str());
  lines.push_back(text);
  unsaved = true;
}

Editor::Editor(Complete complete, std::optional<std::string> history_file) : impl_(std::make_unique<Impl>()) {
  choose_encoding();
  Impl& impl = *impl_;
  impl.complete = std::move(complete);
  impl.history_file = std::move(history_file);
  impl.line = ::el_init("supervisorctl", stdin, stdout, stderr);
  impl.history = ::history_init();
  HistEvent event;
  ::history(impl.history, &event, H_SETSIZE, 10000);
  ::el_set(impl.line, EL_CLIENTDATA, &impl);
  ::el_set(impl.line, EL_PROMPT, &Impl::show_prompt);
  ::el_set(impl.line, EL_EDITOR, "emacs");
  ::el_set(impl.line, EL_HIST, ::history, impl.history);
  ::el_set(impl.line, EL_ADDFN, "complete-name", "Complete the word", &Impl::on_tab);
  ::el_set(impl.line, EL_BIND, "^I", "complete-name", nullptr);
  ::el_set(impl.line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_set(impl.line, EL_GETCFN, &Impl::next_character);
  if (impl.history_file) {
    for (const std::string& text : read_history(*impl.history_file))
      impl.remember(text);
    impl.unsaved = false;
  }
}

Editor::~Editor() {
  ::el_end(impl_->line);
  ::history_end(impl_->history);
}

std::optional<std::string> Editor::read(const std::string& prompt, int interrupts) {
  impl_->prompt = prompt;
  impl_->interrupts = interrupts;
  ::el_resize(impl_->line);
  int length = 0;
  const char* typed = ::el_gets(impl_->line, &length);
  if (!typed || length <= 0) return std::nullopt;
  std::string text(typed, static_cast<std::size_t>(length));
  if (text.ends_with('\n')) text.pop_back();
  impl_->remember(text);
  return text;
}

void Editor::save_history() {
  if (!impl_->history_file || !impl_->unsaved) return;
  write_history(*impl_->history_file, impl_->lines);
  impl_->unsaved = false;
}

}  // namespace sup::ctl
