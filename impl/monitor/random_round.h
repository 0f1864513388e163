// Rounds for tests: the reference plays a race, with a scheduler that tosses coins; and ways to
// spoil what came out.
#ifndef IPCSPEC_IMPL_MONITOR_RANDOM_ROUND_H_
#define IPCSPEC_IMPL_MONITOR_RANDOM_ROUND_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "impl/call/history.h"
#include "impl/reference/reference.h"
#include "impl/reference/world.h"

namespace ipcspec {

class RandomRound {
 public:
  explicit RandomRound(uint32_t seed) : random_(seed), world_(&history_.dialect) {}
  RandomRound(const RandomRound&) = delete;
  RandomRound& operator=(const RandomRound&) = delete;

  int calls = 4;  // of each task in the race

  // A number of [0, n).
  int Toss(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }

  // In lock step; returns the outcome. A call that sleeps stays asleep.
  Outcome Do(int task, Call call) {
    const size_t begin = history_.events.size();
    Start(task, std::move(call));
    while (GoOn()) {
    }
    Emit({.kind = Event::Kind::kQuiet});
    for (size_t i = begin; i < history_.events.size(); ++i) {
      const Event& e = history_.events[i];
      if (e.kind == Event::Kind::kReturn && e.task == task) return e.outcome;
    }
    return {};
  }

  // Task 0 makes one more; its number.
  int Spawn() { return static_cast<int>(Do(0, Fork{}).ret); }

  // Runs the scripts, one a task; each is a list of calls.
  void Race(std::vector<std::pair<int, std::vector<Call>>> scripts) {
    race_begin_ = history_.events.size();
    std::vector<size_t> at(scripts.size());
    for (;;) {
      std::vector<int> ready;  // scripts whose task can make its next call
      for (size_t i = 0; i < scripts.size(); ++i) {
        const Task& task = world_.GetTask(scripts[i].first);
        if (at[i] < scripts[i].second.size() && task.alive() && task.current.call == nullptr) {
          ready.push_back(static_cast<int>(i));
        }
      }
      if (!ready.empty() && Toss(3) == 0) {
        const auto i = static_cast<size_t>(ready[static_cast<size_t>(Toss(int(ready.size())))]);
        Start(scripts[i].first, std::move(scripts[i].second[at[i]++]));
      } else if (!GoOn() && ready.empty()) {
        break;
      }
    }
    Emit({.kind = Event::Kind::kQuiet});
  }

  size_t race_begin() const { return race_begin_; }
  const History& history() const { return history_; }
  const World& world() const { return world_; }
  bool Idle(int task) const {
    return world_.GetTask(task).alive() && world_.GetTask(task).current.call == nullptr;
  }

 private:
  void Emit(Event event) {
    event.time_ns = now_ += 1000;
    history_.events.push_back(std::move(event));
  }

  void Start(int task, Call call) {
    auto shared = std::make_shared<const Call>(std::move(call));
    Emit({.kind = Event::Kind::kCall, .task = task, .label = ++label_, .call = shared});
    Begin(world_, task, label_, std::move(shared), now_);
  }

  // One thing that can happen; false: all is quiet.
  bool GoOn() {
    std::vector<int> tasks;
    for (const auto& [number, task] : *world_.tasks) {
      if (task->alive()) tasks.push_back(number);
    }
    std::shuffle(tasks.begin(), tasks.end(), random_);
    for (const int number : tasks) {
      if (Advance(number)) return true;
    }
    return false;
  }

  bool Advance(int number) {
    const Task& task = world_.GetTask(number);
    if (const uint64_t signals = task.signals.Deliverable(); signals != 0) {
      const int signal = __builtin_ctzll(signals) + 1;
      if (Deliver(world_, number, signal, now_) == Delivery::kDies) {
        Emit({.kind = Event::Kind::kExit, .task = number, .number = world_.GetTask(number).status});
      } else {
        Emit({.kind = Event::Kind::kSignal, .task = number, .number = signal});
      }
      return true;
    }
    if (task.current.done) {
      Emit({.kind = Event::Kind::kReturn, .task = number, .outcome = outcomes_[number]});
      Finish(world_, number);
      return true;
    }
    if (!task.in_call()) return false;
    Choice usual(Choice::Mode::kUsual);
    Result result = Offer(world_, number, now_, usual);
    if (result.kind == Result::kAsleep) return false;
    if (!world_.GetTask(number).alive()) {  // it was exit()
      Emit({.kind = Event::Kind::kExit, .task = number, .number = world_.GetTask(number).status});
      return true;
    }
    if (result.done()) outcomes_[number] = std::move(result.outcome);
    return true;
  }

  std::mt19937 random_;
  History history_;
  World world_;
  int64_t now_ = 0;
  int label_ = 0;
  size_t race_begin_ = 0;
  std::map<int, Outcome> outcomes_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_RANDOM_ROUND_H_
