#include "engine/survivor.h"

#include "engine/engine.h"

namespace sup::engine {

// FNV-1a.
std::uint64_t command_mark(const config::Process& process) {
  std::uint64_t mark = 0xcbf29ce484222325;
  for (const char c : process.instance->command) mark = (mark ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mark;
}

Fate fate_of(const Survivor& survivor, const Entry* entry, bool adopting) {
  if (!adopting) return Fate::unwanted;
  if (entry == nullptr) return Fate::unknown;
  if (is_listener(*entry)) return Fate::listener;
  if (entry->socket != nullptr) return Fate::fastcgi;
  if (command_mark(entry->config) != survivor.command) return Fate::changed;
  return entry->machine.pid == 0 ? Fate::adopted : Fate::second;
}

std::string_view describe(Fate fate) {
  switch (fate) {
    case Fate::adopted:
      return "adopted";
    case Fate::unwanted:
      return "not adopted, it runs on unwatched (adopt=true in [supervisord] would take it over)";
    case Fate::unknown:
      return "not adopted, since no program of that name is configured";
    case Fate::changed:
      return "not adopted, since its command is another one now";
    case Fate::listener:
      return "not adopted, since an event listener is of no use without its pipes";
    case Fate::fastcgi:
      return "not adopted, since its FastCGI socket is lost";
    case Fate::second:
      break;
  }
  return "not adopted, since another one was adopted already";
}

void Engine::meet(std::vector<Survivor> survivors, bool adopting) {
  begin();
  for (const Survivor& survivor : survivors) {
    const GroupEntry* group = table_.group(survivor.group);
    Entry* entry = group == nullptr ? nullptr : group->find(survivor.name);
    const Fate fate = fate_of(survivor, entry, adopting);
    const std::string name =
        survivor.group == survivor.name ? survivor.name : survivor.group + ":" + survivor.name;
    out_.log(Level::warn, "program {} (pid {}) survived the supervisord that had started it: {}", python_repr(name),
             survivor.pid, describe(fate));
    if (fate == Fate::adopted) adopt(*entry, survivor);
  }
}

// As if a manager had taken it over: no change of state is announced.
void Engine::adopt(Entry& entry, const Survivor& survivor) {
  entry.start = now_.wall - survivor.age;
  entry.machine.state = process::State::running;
  entry.machine.pid = survivor.pid;
  entry.machine.started = now_.mono - survivor.age;
  keeper::Plan plan;
  plan_stop(plan, *entry.config.program);
  out_.children.adopt(entry.id, survivor.pid, survivor.process.get(), plan, record_of(entry));
}

}  // namespace sup::engine
