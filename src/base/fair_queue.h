// A queue in which clients take turns: one that has put in a thousand items gets no further with them than one that has
// put in one. Items of one client keep their order. Every operation takes the same time, however many wait.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <unordered_map>
#include <utility>

namespace sup {

template <class Item>
class FairQueue {
 public:
  [[nodiscard]] bool empty() const { return lanes_.empty(); }

  // Equal numbers are one client.
  void push(std::uint64_t client, Item item) {
    auto found = by_client_.find(client);
    if (found == by_client_.end()) {
      found = by_client_.emplace(client, lanes_.insert(lanes_.end(), {client, {}})).first;
    }
    found->second->items.push_back(std::move(item));
  }

  // Of the client whose turn it is. Not when empty().
  [[nodiscard]] Item pop() {
    Lane& lane = lanes_.front();
    Item item = std::move(lane.items.front());
    lane.items.pop_front();
    if (lane.items.empty()) {
      by_client_.erase(lane.client);
      lanes_.pop_front();
    } else {
      lanes_.splice(lanes_.end(), lanes_, lanes_.begin());
    }
    return item;
  }

 private:
  struct Lane {
    std::uint64_t client;
    std::deque<Item> items;
  };

  std::list<Lane> lanes_;  // none is empty; the first is next
  std::unordered_map<std::uint64_t, typename std::list<Lane>::iterator> by_client_;
};

}  // namespace sup
