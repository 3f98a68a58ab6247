#include "ops/batch.h"

#include <string>
#include <utility>

namespace sup::ops {
namespace {

struct Batch {
  struct Item {
    std::string group;
    std::string name;
    bool waited_for = false;
    api::Answer<void> answer;
  };
  std::vector<Item> items;
  std::vector<std::size_t> completed;  // indices in order of completion
  std::size_t open = 0;
  bool started = false;  // every action has been called
  api::Reply reply;

  void finish_if_done() {
    if (!started || open > 0 || !reply) return;
    api::Array results;
    results.reserve(items.size());
    for (const Item& item : items) {
      if (!item.waited_for) results.push_back(result_item(item.group, item.name, item.answer));
    }
    for (const std::size_t index : completed) {
      const Item& item = items[index];
      if (item.waited_for) results.push_back(result_item(item.group, item.name, item.answer));
    }
    auto done = std::move(reply);
    reply = nullptr;
    done(api::Value(std::move(results)));
  }
};

}  // namespace

api::Value result_item(const std::string& group, const std::string& name, const api::Answer<void>& answer) {
  const int status = static_cast<int>(answer ? api::FaultCode::success : answer.error().code);
  return api::Struct{{"name", name},
                     {"group", group},
                     {"status", status},
                     {"description", answer ? std::string("OK") : answer.error().text}};
}

void run_batch(const std::vector<engine::Entry*>& entries, ItemAction action, api::Reply reply) {
  auto batch = std::make_shared<Batch>();
  batch->reply = std::move(reply);
  batch->open = entries.size();
  batch->items.reserve(entries.size());
  for (const engine::Entry* entry : entries) batch->items.push_back({entry->group->config->name, entry->config.name, false, {}});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    batch->items[i].waited_for = action(*entries[i], [batch, i](api::Answer<void> answer) {
      batch->items[i].answer = std::move(answer);
      batch->completed.push_back(i);
      --batch->open;
      batch->finish_if_done();
    });
  }
  batch->started = true;
  batch->finish_if_done();
}

}  // namespace sup::ops
