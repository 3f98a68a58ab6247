#include "logs/carrier.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/strings.h"

namespace sup::logs {
namespace {

constexpr Duration longest_wait = std::chrono::milliseconds(1);
constexpr Duration shortest_wait = std::chrono::microseconds(100);  // below, sleeping costs more than it saves
constexpr std::size_t small_read = std::size_t{16} << 10;
constexpr unsigned char streak_wanted = 8;
constexpr int wide_pipe = 256 << 10;

Time steady_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace

// Receives what a source's filter makes.
class Carrier::Outlet final : public FilterSink {
 public:
  Outlet(Carrier& carrier, Source& source) : carrier_(carrier), source_(source) {}

  void text(std::string_view bytes, bool captured) override {
    if (!captured) {
      carrier_.write_file(source_, bytes);
      if (source_.lines) {
        source_.lines->feed(bytes, [&](std::string_view line) { carrier_.send_syslog(source_, line); });
      }
    }
    if (source_.echo) report(Report::Kind::echo, std::string(bytes));
    if (source_.events) report(Report::Kind::data, std::string(bytes));
  }

  void capture_ended(std::string content) override { report(Report::Kind::captured, std::move(content)); }

 private:
  void report(Report::Kind kind, std::string bytes) {
    carrier_.exchange_.report({.kind = kind, .id = source_.id, .channel = source_.channel, .bytes = std::move(bytes)});
  }

  Carrier& carrier_;
  Source& source_;
};

Carrier::Carrier(Exchange& exchange, std::string syslog_path, std::unique_ptr<Transit> transit, bool take_over)
    : exchange_(exchange),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      transit_(std::move(transit)),
      left_(take_over ? transit_->left() : std::nullopt),
      taking_over_(take_over),
      syslog_(std::move(syslog_path)) {
  epoll_event event{EPOLLIN, {.ptr = nullptr}};
  if (!epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, exchange_.commands_fd(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
}

void Carrier::run() {
  while (!stopping_) {
    const int count = wait();
    now_ = steady_now();
    // A restart waits for commands; the other sources are still ready afterwards.
    for (int i = 0; i < count && !exchange_.has_commands(); ++i) {
      if (auto* source = static_cast<Source*>(ready_[static_cast<std::size_t>(i)].data.ptr)) turn(*source);
    }
    if (!hot_.empty() && now_ >= tick_) tick();
    // Last, since commands end sources that ready_ may point to.
    if (!exchange_.has_commands()) continue;
    for (Command& command : exchange_.commands())
      obey(command);
  }
  // A take-over that came to nothing leaves all to the next one.
  while (!taking_over_ && !leaving_ && !sources_.empty())
    drain(sources_.begin()->first);
}

// How many of ready_ are ready, 0 when it is time for the hot ones.
int Carrier::wait() {
  const int size = static_cast<int>(ready_.size());
  if (hot_.empty()) return ::epoll_wait(epoll_.get(), ready_.data(), size, -1);
  const auto left = std::max(tick_ - steady_now(), Duration{});
  const timespec limit{0, static_cast<long>(left.count())};
  const int count = ::epoll_pwait2(epoll_.get(), ready_.data(), size, &limit, nullptr);
  if (count >= 0 || errno != ENOSYS) return count;
  return ::epoll_wait(epoll_.get(), ready_.data(), size, left > Duration{} ? 1 : 0);
}

void Carrier::obey(Command& command) {
  switch (command.kind) {
    case Command::Kind::attach:
      return attach(command);
    case Command::Kind::drain:
      drain(command.id);
      return exchange_.report({.kind = Report::Kind::drained, .id = command.id});
    case Command::Kind::drain_silently:
      return drain(command.id);
    case Command::Kind::reopen:
      return reopen(command.id);
    case Command::Kind::clear:
      return clear(command.id);
    case Command::Kind::proceed:
      return resume_parked();
    case Command::Kind::go_on:
      return go_on();
    case Command::Kind::leave:
      leaving_ = true;
      [[fallthrough]];
    case Command::Kind::stop:
      stopping_ = true;
      return;
  }
}

void Carrier::attach(Command& command) {
  ChannelPlan& plan = *command.plan;
  auto& slot = sources_[command.id][static_cast<std::size_t>(command.channel)];
  if (slot) finish(*slot);
  slot = std::make_unique<Source>();
  Source& source = *slot;
  source.id = command.id;
  source.channel = command.channel;
  source.events = plan.events;
  source.echo = plan.echo;
  source.pipe = std::move(command.pipe);
  source.file = std::move(plan.file);
  source.name = std::move(plan.name);
  if (plan.strip_ansi || plan.capture_max > 0) {
    source.filter = std::make_unique<Filter>(Filter::Plan{plan.strip_ansi, plan.capture_max});
  }
  if (source.filter) {
    source.slot = transit_->slot(source.id, source.channel);
    source.filter->resume(transit_->filter_state(source.slot));
  }
  source.file.note_steps_in(&transit_->rotation_step());
  if (plan.syslog) source.lines = std::make_unique<LineCutter>();
  source.plain = !source.filter && !source.lines && !source.events && !source.echo;
  source.troubled = complaints_.contains({source.id, source.channel});
  if (source.file.ignores_max_bytes() && !source.troubled) {
    static_cast<void>(complaints(source));  // remembers that it was said
    tell(source,
         Message{Level::warn, fmt::format("{} cannot be rotated since it is no regular file; {}_logfile_maxbytes "
                                          "is ignored",
                                          source.file.plan().path, channel_name(source.channel))});
  }
  const int flags = ::fcntl(source.pipe.get(), F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(source.pipe.get(), F_SETFL, flags | O_NONBLOCK);
  if (left_ && left_->id == source.id && left_->channel == source.channel) finish_left(source);
  if (!taking_over_) place(source, Place::cold);
}

// Takes what is in the pipes now, and no more: a grandchild may go on writing for ever.
void Carrier::drain(ProcessId id) {
  go_on();
  const auto found = sources_.find(id);
  if (found == sources_.end()) return;
  for (auto& source : found->second) {
    if (source) finish(*source);
  }
  sources_.erase(found);
}

void Carrier::reopen(ProcessId id) {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return;
  for (auto& source : found->second) {
    if (!source) continue;
    if (auto reopened = source->file.reopen(); !reopened) {
      tell(*source,
           Message{Level::error, fmt::format("could not reopen the {} log of {}: {}", channel_name(source->channel),
                                             python_repr(source->name), reopened.error().text)});
    }
  }
}

void Carrier::clear(ProcessId id) {
  int code = 0;
  const auto found = sources_.find(id);
  if (found != sources_.end()) {
    for (auto& source : found->second) {
      if (!source) continue;
      if (auto cleared = source->file.clear(); !cleared && code == 0) {
        code = cleared.error().code != 0 ? cleared.error().code : EIO;
      }
    }
  }
  exchange_.report({.kind = Report::Kind::cleared, .id = id, .code = code});
}

void Carrier::resume_parked() {
  for (Source* source : std::exchange(parked_, {})) {
    source->place = Place::nowhere;
    place(*source, Place::cold);
  }
}

// Every process of a predecessor is attached.
void Carrier::go_on() {
  if (!std::exchange(taking_over_, false)) return;
  if (std::exchange(left_, std::nullopt)) transit_->done();  // of a process that is not ours any more
  for (auto& [id, channels] : sources_) {
    for (auto& source : channels) {
      if (source && source->pipe) place(*source, Place::cold);
    }
  }
}

// One read for a source whose turn it is.
void Carrier::turn(Source& source) {
  if (!source.pipe) return;
  if ((source.events || source.echo) && exchange_.is_full()) return place(source, Place::parked);
  const auto [got, bytes] = read(source);
  switch (got) {
    case Got::bytes:
      return pace(source, bytes);
    case Got::nothing:
      if (source.place == Place::hot) place(source, Place::cold);
      return;
    case Got::end:
      return finish_pipe(source);
  }
}

void Carrier::tick() {
  tick_ = now_ + longest_wait;
  for (std::size_t i = hot_.size(); i-- > 0;)
    turn(*hot_[i]);  // backwards: a source that leaves is replaced by the last
}

std::pair<Carrier::Got, std::size_t> Carrier::read(Source& source) {
  const ssize_t n = transit_->take(source.pipe.get(), source.id, source.channel);
  if (n > 0) {
    deliver(source, transit_->bytes());
    end_chunk(source);
    return {Got::bytes, static_cast<std::size_t>(n)};
  }
  return {n < 0 && (errno == EAGAIN || errno == EINTR) ? Got::nothing : Got::end, 0};
}

void Carrier::end_chunk(Source& source) {
  if (source.filter) {
    transit_->done(source.slot, source.filter->state());
  } else {
    transit_->done();
  }
}

// Does what a predecessor was killed over: from the same bytes the same comes again, and what of it is in the file
// already is left out.
void Carrier::finish_left(Source& source) {
  const Transit::Left left = *std::exchange(left_, std::nullopt);
  skip_written(source, left);
  if (left.end_of_stream) {
    Outlet outlet(*this, source);
    if (source.filter) source.filter->finish(outlet);
  } else {
    deliver(source, transit_->bytes());
  }
  skip_ = 0;
  if (source.file.is_open()) {
    transit_->writing(source.file.mark(), 0);
    tell_how_it_went(source, source.file.rotate_if_due(), 0);
  }
  end_chunk(source);
}

void Carrier::skip_written(Source& source, const Transit::Left& left) {
  skip_ = left.written;
  if (left.length > 0 && left.log) {
    // A file that is shorter now was truncated by others, one that is gone was removed: the text is in neither.
    const long long arrived = source.file.size_of(*left.log).value_or(0) - left.log->size;
    skip_ += static_cast<std::size_t>(std::clamp(arrived, 0LL, static_cast<long long>(left.length)));
  } else if (left.length > 0) {
    skip_ += left.length;
    if (source.file.is_open() && !source.file.keeps_nothing()) {
      tell(source,
           Message{Level::warn, fmt::format("up to {} bytes of the {} log of {} may be missing: the manager was "
                                            "killed while it wrote to {}, which is no regular file",
                                            left.length, channel_name(source.channel), python_repr(source.name),
                                            source.file.plan().path)});
    }
  } else if (left.log && left.rotation_step != RotatingFile::no_rotation) {
    if (auto rotated = source.file.resume_rotation(left.rotation_step, *left.log); !rotated) {
      tell_how_it_went(source, rotated, 0);
    }
  }
}

// Decides how the source is treated, after a read of so many bytes.
void Carrier::pace(Source& source, std::size_t bytes) {
  const Duration elapsed = now_ - std::exchange(source.last_read, now_);
  if (source.place == Place::hot) {
    // The time in which 3/8 of the pipe fill at the present rate.
    const auto wait = Duration(elapsed.count() * (source.capacity / 8 * 3) / static_cast<long long>(bytes));
    const bool at_once = bytes == Transit::capacity || wait < shortest_wait;
    if (wait < longest_wait || at_once) tick_ = std::min(tick_, at_once ? now_ : now_ + wait);
    return;
  }
  if (elapsed > longest_wait || (bytes >= small_read && source.capacity >= wide_pipe)) {
    source.streak = 0;
  } else if (++source.streak >= streak_wanted) {
    source.streak = 0;
    widen(source);
    if (bytes < small_read) place(source, Place::hot);
  }
}

// Best effort: users have a limit of such memory, and the pipe works as it is.
void Carrier::widen(Source& source) {
  if (source.capacity >= wide_pipe) return;
  const int size = ::fcntl(source.pipe.get(), F_SETPIPE_SZ, wide_pipe);
  source.capacity = size > 0 ? size : std::max(::fcntl(source.pipe.get(), F_GETPIPE_SZ), 4096);
}

void Carrier::place(Source& source, Place to) {
  const auto remove_from = [&](std::vector<Source*>& list) {
    const auto found = std::ranges::find(list, &source);
    *found = list.back();
    list.pop_back();
  };
  switch (std::exchange(source.place, to)) {
    case Place::nowhere:
      break;
    case Place::cold:
      // Explicitly, since the keeper holds the same pipe: our close() would not end the watch.
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source.pipe.get(), nullptr);
      break;
    case Place::hot:
      remove_from(hot_);
      break;
    case Place::parked:
      remove_from(parked_);
      break;
  }
  if (to == Place::cold) {
    epoll_event event{EPOLLIN, {.ptr = &source}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, source.pipe.get(), &event) == 0) return;
    source.place = to = Place::hot;  // out of watches: the clock does it too
  }
  if (to == Place::hot) {
    if (hot_.empty()) tick_ = now_ + longest_wait;
    hot_.push_back(&source);
  }
  if (to == Place::parked) parked_.push_back(&source);
}

void Carrier::finish_pipe(Source& source) {
  place(source, Place::nowhere);
  source.pipe.reset();
  if (source.filter) {
    Outlet outlet(*this, source);
    transit_->end_of_stream(source.id, source.channel);
    source.filter->finish(outlet);
    end_chunk(source);
    transit_->free_slot(std::exchange(source.slot, -1));
  }
  if (source.lines) source.lines->finish([&](std::string_view line) { send_syslog(source, line); });
  if (source.troubled) tell(source, complaints(source).closed());
  exchange_.report_closed(source.id, source.channel);
}

void Carrier::finish(Source& source) {
  if (!source.pipe) return;
  int left = 0;
  if (::ioctl(source.pipe.get(), FIONREAD, &left) != 0) left = 0;
  for (bool more = true; more;) {
    more = left > 0;
    const auto [got, bytes] = read(source);
    if (got != Got::bytes) break;
    left -= static_cast<int>(bytes);
  }
  finish_pipe(source);
}

void Carrier::deliver(Source& source, std::span<char> bytes) {
  if (source.plain) return write_file(source, {bytes.data(), bytes.size()});
  Outlet outlet(*this, source);
  if (source.filter) {
    scratch_.assign(bytes.begin(), bytes.end());
    return source.filter->feed(scratch_, outlet);
  }
  outlet.text({bytes.data(), bytes.size()}, false);
}

void Carrier::write_file(Source& source, std::string_view bytes) {
  if (const auto known = std::min(skip_, bytes.size()); known > 0) {
    skip_ -= known;
    transit_->skip(known);
    bytes.remove_prefix(known);
  }
  RotatingFile& file = source.file;
  if (bytes.empty() || file.plan().path.empty()) return;
  // What could not be opened for a process that runs may be by now: descriptors come back.
  if (!file.is_open()) {
    if (const auto opened = file.reopen(); !opened) return tell_how_it_went(source, opened, bytes.size());
  }
  const auto lost_before = file.lost();
  transit_->writing(file.mark(), bytes.size());
  auto written = file.append(bytes);
  transit_->written();
  if (written) written = file.rotate_if_due();
  tell_how_it_went(source, written, file.lost() - lost_before);
}

void Carrier::tell_how_it_went(Source& source, const Result<>& written, unsigned long long lost) {
  if (written) {
    if (!source.troubled) return;
    auto& over = complaints(source);
    tell(source, over.works());
    source.troubled = over.pending();
    return;
  }
  source.troubled = true;
  auto& about = complaints(source);
  tell(source, lost > 0 ? about.lost(written.error(), lost, now_) : about.not_rotated(written.error(), now_));
}

void Carrier::send_syslog(Source& source, std::string_view line) {
  const bool sent = syslog_.send(fmt::format("{} {}", source.name, line), wall_now());
  tell(source, sent ? syslog_complaints_.works()
                    : syslog_complaints_.lost(Error{0, "the system's log daemon does not take it"}, 1, now_));
}

Complaints& Carrier::complaints(const Source& source) {
  const Key key{source.id, source.channel};
  auto found = complaints_.find(key);
  if (found == complaints_.end()) {
    auto subject = fmt::format("the {} log of {}", channel_name(source.channel), python_repr(source.name));
    found = complaints_.emplace(key, Complaints(std::move(subject), "bytes")).first;
  }
  return found->second;
}

void Carrier::tell(const Source& source, const std::optional<Message>& message) {
  if (!message) return;
  exchange_.report({.kind = Report::Kind::problem,
                    .id = source.id,
                    .channel = source.channel,
                    .level = message->level,
                    .bytes = message->text});
}

}  // namespace sup::logs
