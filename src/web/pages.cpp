#include "web/pages.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/strings.h"
#include "base/version.h"
#include "ops/process_info.h"
#include "web/files.h"
#include "web/form.h"
#include "web/html.h"

namespace sup::web {
namespace {

using process::State;

std::string_view template_of(std::string_view path) {
  const File* file = find_file(path);
  return file == nullptr ? std::string_view() : file->bytes;
}

std::string_view css_class(State state) {
  if (state == State::running) return "statusrunning";
  if (state == State::fatal || state == State::backoff) return "statuserror";
  return "statusnominal";
}

constexpr std::string_view no_action = R"(<a class="hidden" href="#" name="#">Action</a>)";

// `name` is quoted for an address.
std::string change(std::string_view name, std::string_view action, std::string_view text) {
  return fmt::format(R"(<a href="index.html?processname={}&amp;action={}" name="{}">{}</a>)", name, action, text, text);
}

std::string follow(std::string_view name, std::string_view channel, std::string_view text) {
  return fmt::format(R"(<a href="logtail/{}{}" name="{}" target="_blank">{}</a>)", name, channel, text, text);
}

void append_row(std::string& out, const Row& row, bool shaded) {
  const std::string name = quote(row.name);
  std::array<std::string, 2> first{std::string(no_action), std::string(no_action)};
  if (row.state == State::running) {
    first = {change(name, "restart", "Restart"), change(name, "stop", "Stop")};
  } else if (row.state == State::stopped || row.state == State::exited || row.state == State::fatal) {
    first[0] = change(name, "start", "Start");
  }
  fmt::format_to(std::back_inserter(out),
                 R"(          <tr class="{}">
            <td class="status"><span class="{}">{}</span></td>
            <td><span>{}</span></td>
            <td><a href="tail.html?processname={}" target="_blank">{}</a></td>
            <td class="action">
              <ul>
                <li>{}</li>
                <li>{}</li>
                <li>{}</li>
                <li>{}</li>
                <li>{}</li>
              </ul>
            </td>
          </tr>
)",
                 shaded ? "shade" : "", css_class(row.state), lower(process::state_name(row.state)),
                 escape_text(row.description), name, escape_text(row.name), first[0], first[1],
                 change(name, "clearlog", "Clear Log"), follow(name, "", "Tail -f Stdout"),
                 follow(name, "/stderr", "Tail -f Stderr"));
}

std::string table_of(const std::vector<Row>& rows) {
  if (rows.empty()) return "No programs to manage";
  std::string body;
  bool shaded = false;
  for (const Row& row : rows) {
    append_row(body, row, shaded);
    shaded = !shaded;
  }
  return fmt::format(R"(<table cellspacing="0">
        <thead>
        <tr>
          <th class="state">State</th>
          <th class="desc">Description</th>
          <th class="name">Name</th>
          <th class="action">Action</th>
        </tr>
        </thead>

        <tbody>
{}        </tbody>
      </table>)",
                     body);
}

}  // namespace

std::vector<Row> rows_of(const engine::Table& table, WallTime now) {
  std::vector<Row> rows;
  rows.reserve(table.size());
  for (const auto& [name, group] : table.by_name()) {
    for (const engine::Entry* entry : group->by_name) {
      rows.push_back({engine::namespec(*entry), entry->machine.state, ops::description(*entry, now)});
    }
  }
  return rows;
}

std::string status_page(const std::vector<Row>& rows, std::string_view message, int year) {
  const std::string status = message.empty()
                                 ? R"(<div class="hidden">#</div>)"
                                 : fmt::format(R"(<div class="status_msg">{}</div>)", escape_text(message));
  return fill(template_of("status.html"), {{"message", status},
                                           {"programs", table_of(rows)},
                                           {"version", supervisor_version},
                                           {"year", std::to_string(year)}});
}

std::string tail_page(std::string_view process, std::string_view text, long long limit) {
  std::string refresh;
  if (!process.empty()) {
    refresh = fmt::format(
        R"(<a href="tail.html?processname={}&amp;limit={}"><input name="refresh" type="button" value=" Refresh " /></a>)",
        quote(process), limit);
  }
  return fill(template_of("tail.html"), {{"process", process.empty() ? "None" : escape_text(process)},
                                         {"log", escape_text(text)},
                                         {"refresh", refresh}});
}

}  // namespace sup::web
