// Seeder: finds the places of a history where a fault can be seeded, and makes one.
//
// Not for use outside seeded faults (seeded_fault.h).
#ifndef IPCSPEC_STRESS_SEEDER_H_
#define IPCSPEC_STRESS_SEEDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stress/seeded_ops.h"

namespace ipcspec {

class Seeder {
 public:
  Seeder(const History& history, uint64_t seed)
      : events_(history.events),
        ops_(OpsOf(history)),
        traffic_(TrafficOf(history, ops_)),
        ledger_(history, ops_),
        lots_(seed) {
    for (const Op& op : ops_) last_call_[op.task] = op.called;
    for (const Event& e : events_) {
      if (e.kind == Event::Kind::kExit || e.kind == Event::Kind::kKill) ends_ = true;
      if (e.kind == Event::Kind::kSignal) signalled_.insert(e.task);
    }
    for (const Traffic& traffic : traffic_) {
      for (const Transfer& t : traffic.transfers) {
        if (t.text == nullptr) continue;
        ++(t.puts ? sent_ : got_)[*t.text];
        if (t.puts && t.op->ok()) puts_[*t.text] = &t;
      }
    }
  }

  // Each notes the changes that it finds places for.
  void Swap();
  void Duplicate();
  void Loss();
  // The same of the bytes of a pipe.
  void SwapReads();
  void ReadTwice();
  void LoseBytes();
  void StaleRead();
  void EarlyEof();
  void LostWakeup();
  void Undo(bool twice);
  void TornWrite();
  void TornGetAll();
  void OverCapacity();

  // Makes one of the changes.
  bool Apply(History* history) {
    if (changes_.empty()) return false;
    changes_[lots_() % changes_.size()](history->events);
    return true;
  }

 private:
  using Events = std::vector<Event>;

  void Add(std::function<void(Events&)> change) { changes_.push_back(std::move(change)); }
  void AddOutcome(const Op& op, Outcome outcome) {
    Add([at = op.returned, outcome = std::move(outcome)](Events& events) {
      events[at].outcome = outcome;
    });
  }
  // A message that was sent once, and received whole, once.
  bool IsUnique(const Transfer& take) const {
    if (take.text == nullptr || !take.message) return false;
    const auto sent = sent_.find(*take.text), got = got_.find(*take.text);
    return sent != sent_.end() && sent->second == 1 && got->second == 1;
  }
  // The one send that succeeded of a message that is unique; null where it did not.
  const Transfer* PutOf(const std::string& text) const {
    const auto put = puts_.find(text);
    return put == puts_.end() ? nullptr : put->second;
  }
  // Takes that got something, in order of their calls.
  static std::vector<const Transfer*> TakesOf(const Traffic& traffic) {
    std::vector<const Transfer*> takes;
    for (const Transfer& t : traffic.transfers) {
      if (!t.puts && t.text != nullptr) takes.push_back(&t);
    }
    return takes;
  }
  // Writes of a pipe that were whole and can be told where they are read whole: no other writes,
  // one after the other, look like that. None where writes need not be atomic.
  using Marks = std::vector<const Transfer*>;
  Marks MarksOf(const Traffic& traffic) const;
  // Calls of these types that succeeded; of very many, some: each is compared with the whole
  // history.
  static constexpr size_t kMostCompared = 200;
  template <class... C>
  std::vector<const Op*> Some();
  bool MayStayAsleep(const Op& op) const;
  void StaleWord(const Op& load);
  void StaleValue(const Op& get, const SemName& name, size_t index, bool in_values);
  // Who surely has the write end open until `at`, by read end.
  std::set<int64_t> WritersUntil(size_t at) const;

  const Events& events_;
  std::vector<Op> ops_;
  std::vector<Traffic> traffic_;
  SemLedger ledger_;
  std::mt19937_64 lots_;
  std::map<int, size_t> last_call_;  // by task
  std::set<int> signalled_;
  bool ends_ = false;  // some task ends
  std::map<std::string, int> sent_, got_;
  std::map<std::string, const Transfer*> puts_;
  std::vector<std::function<void(Events&)>> changes_;
};

template <class... C>
std::vector<const Op*> Seeder::Some() {
  std::vector<const Op*> some;
  for (const Op& op : ops_) {
    if (op.ok() && ((op.As<C>() != nullptr) || ...)) some.push_back(&op);
  }
  if (some.size() > kMostCompared) {
    std::shuffle(some.begin(), some.end(), lots_);
    some.resize(kMostCompared);
  }
  return some;
}

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_SEEDER_H_
