#include "impl/oracle/search.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <deque>
#include <memory>
#include <utility>

namespace ipcspec {
namespace {

// A level above every pipe's capacity: as much as fits.
constexpr int64_t kFull = int64_t{1} << 40;

// The signals whose delivery ends the task.
uint64_t Fatal(const Signals& signals) {
  return signals.Deliverable() & ~(signals.handled & ~Signals::Bit(SIGKILL));
}

bool LooksAtAttaches(const Call& call) {
  return std::holds_alternative<ShmStat>(call) || std::holds_alternative<ShmStatIndex>(call) ||
         std::holds_alternative<ListIpc>(call);
}

// Whether it may matter that a silent step comes before the event, though the event can happen:
// where it raises the signal that is delivered, or is of the task that is told.
bool OrderMatters(const World& world, const Event& event) {
  if (event.kind == Event::Kind::kReturn) {
    // A shmat may count twice until it returns.
    const Call* const returns = world.GetTask(event.task).current.call.get();
    return returns != nullptr && std::holds_alternative<Shmat>(*returns) &&
           std::any_of(world.tasks->begin(), world.tasks->end(), [](const auto& entry) {
             return entry.second->in_call() && LooksAtAttaches(*entry.second->current.call);
           });
  }
  if (event.kind != Event::Kind::kSignal) return false;
  if (event.number == SIGCHLD) return true;  // any task may end
  for (const auto& [number, task] : *world.tasks) {
    if (!task->alive() || !task->in_call()) continue;
    if (number == event.task) return true;
    const Call& call = *task->current.call;
    const auto* const kill = std::get_if<Kill>(&call);
    if (kill != nullptr && kill->target.value == event.task &&
        kill->signal.number == event.number) {
      return true;
    }
    if (std::holds_alternative<MqSend>(call)) return true;  // mq_notify(3)
  }
  return false;
}

// What the call returns when it does all that it was asked for.
Outcome Success(const Call& call) {
  size_t size = 0;
  if (const auto* write = std::get_if<Write>(&call)) size = write->data.text.size();
  if (const auto* write = std::get_if<Writev>(&call)) {
    for (const Bytes& part : write->data) size += part.text.size();
  }
  return Returns(static_cast<int64_t>(size));
}

int Lowest(uint64_t bits) { return std::countr_zero(bits) + 1; }

}  // namespace

bool WorksInParts(const Call& call) {
  return std::holds_alternative<Write>(call) || std::holds_alternative<Writev>(call) ||
         std::holds_alternative<Open>(call);
}

Future::Future(absl::Span<const Event> batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const Event& e = batch[i];
    if (e.kind == Event::Kind::kSignal) last_handler_[{e.task, e.number}] = i;
    if (e.kind != Event::Kind::kReturn && e.kind != Event::Kind::kExit) continue;
    ends_[e.task].push_back({.index = i, .event = &e});
    if (e.kind == Event::Kind::kReturn && e.outcome.ok()) {
      if (!e.outcome.data.empty()) levels_.push_back(e.outcome.ret);
      if (e.outcome.values.size() == 1) levels_.push_back(e.outcome.values[0]);
    }
  }
}

void Future::Advance(size_t index) { now_ = index; }

const Event* Future::Next(int task) const {
  const auto it = ends_.find(task);
  if (it == ends_.end()) return nullptr;
  const auto end = std::lower_bound(it->second.begin(), it->second.end(), now_,
                                    [](const End& e, size_t now) { return e.index < now; });
  return end == it->second.end() ? nullptr : end->event;
}

const Outcome* Future::Return(int task) const {
  const Event* next = Next(task);
  return next != nullptr && next->kind == Event::Kind::kReturn ? &next->outcome : nullptr;
}

bool Future::Handles(int task, int signal) const {
  const auto it = last_handler_.find({task, signal});
  return it != last_handler_.end() && it->second >= now_;
}

bool Future::Dies(int task) const {
  const Event* next = Next(task);
  return next != nullptr && next->kind == Event::Kind::kExit;
}

// Offers the world to the call in each hidden future, and tells of those that fit what is known.
void Search::Try(const World& world, int task, int64_t now_ns, Choice choice, Visit visit) const {
  const Outcome* seen = future_.Return(task);
  const bool dies = future_.Dies(task);
  do {
    World next = world;
    const Result result = Offer(next, task, now_ns, choice);
    if (result.kind == Result::kAsleep) continue;
    if (result.done()) {
      const bool fits = seen != nullptr ? result.outcome == *seen : dies;
      if (!fits) continue;
    }
    visit(std::move(next));
  } while (choice.NextHidden());
}

void Search::CallSteps(const World& world, int task, int64_t now_ns, Visit visit) const {
  const Current& current = world.GetTask(task).current;
  const Outcome* seen = future_.Return(task);
  const bool in_parts = WorksInParts(*current.call);
  if (seen == nullptr && !future_.Dies(task)) {
    // It stays pending: what it can do is a part of its work, no more than it must or as usual.
    if (!in_parts) return;
    Try(world, task, now_ns, Choice(Choice::Mode::kSleepy), visit);
    Try(world, task, now_ns, Choice(Choice::Mode::kUsual), visit);
  } else if (seen != nullptr) {
    Try(world, task, now_ns, Choice(seen), visit);
  } else {
    // Its task dies: it may have taken effect, also where that is not what usually happens.
    Try(world, task, now_ns, Choice(Choice::Mode::kUsual), visit);
    const Outcome success = Success(*current.call);
    Try(world, task, now_ns, Choice(&success), visit);
  }
  if (!in_parts || std::holds_alternative<Open>(*current.call)) return;
  // A write that went through in part: as much as other outcomes show, or as much as fits.
  std::vector<int64_t> levels = future_.levels();
  if (seen == nullptr) levels.push_back(kFull);
  for (int64_t level : levels) {
    Choice choice(seen);
    choice.flow_target = level;
    Try(world, task, now_ns, choice, visit);
  }
}

// Delivers a signal that is handled. A call that was not seen asleep may not have come to where it
// would sleep: then the handler ran before, and does not end it.
void Search::RunHandler(const World& world, int task, int signal, int64_t now_ns,
                        Visit visit) const {
  const Current& before = world.GetTask(task).current;
  World next = world;
  Deliver(next, task, signal, now_ns);
  const Current& after = next.GetTask(task).current;
  if (!before.asleep && !before.interrupted && after.interrupted) {
    World goes_on = next;
    goes_on.MutableTask(task).current.interrupted = false;
    visit(std::move(goes_on));
  }
  visit(std::move(next));
}

// A signal that is pending ends a sleep before it is delivered, which is on the way out of the
// call: until then another of its number merges with it.
void Search::BreakOff(const World& world, int task, int signal, Visit visit) const {
  const Current& current = world.GetTask(task).current;
  const Outcome* seen = future_.Return(task);
  if (!world.GetTask(task).in_call() || current.interrupted || seen == nullptr) return;
  if (seen->error != EINTR && !WorksInParts(*current.call)) return;
  World delivered = world;
  Deliver(delivered, task, signal, 0);
  if (!delivered.GetTask(task).current.interrupted) return;
  World next = world;
  next.MutableTask(task).current.interrupted = true;
  visit(std::move(next));
}

void Search::SilentSteps(const World& world, int64_t now_ns, Visit visit) const {
  for (const auto& [number, task] : *world.tasks) {
    if (!task->alive()) continue;
    if (task->in_call()) CallSteps(world, number, now_ns, visit);
    // A handler is seen to run some time after its signal was delivered: others may send the signal
    // again meanwhile.
    for (uint64_t due = task->signals.Deliverable() & task->signals.handled; due != 0;
         due &= due - 1) {
      if (!future_.Handles(number, Lowest(due))) continue;
      RunHandler(world, number, Lowest(due), now_ns, [&](World next) {
        next.MutableTask(number).signals.starting.push_back(Lowest(due));
        visit(std::move(next));
      });
      BreakOff(world, number, Lowest(due), visit);
    }
    if (!future_.Dies(number)) continue;
    const bool exits = task->in_call() && std::holds_alternative<Exit>(*task->current.call);
    if (exits || Fatal(task->signals) != 0) DieInPart(world, number, now_ns, visit);
    if (Fatal(task->signals) != 0) {
      World next = world;
      Deliver(next, number, Lowest(Fatal(task->signals)), now_ns);
      visit(std::move(next));
    }
  }
}

void Search::Happen(const World& world, const Event& event, Visit visit) const {
  const Task* task = world.FindTask(event.task);
  switch (event.kind) {
    case Event::Kind::kCall: {
      if (task == nullptr || !task->alive() || task->current.call != nullptr) return;
      if (!task->signals.starting.empty()) return;
      World next = world;
      Begin(next, event.task, event.label, event.call, event.time_ns);
      visit(std::move(next));
      return;
    }
    case Event::Kind::kReturn: {
      if (task == nullptr || !task->alive() || !task->current.done) return;
      if (!task->signals.starting.empty()) return;
      World next = world;
      Finish(next, event.task);
      visit(std::move(next));
      return;
    }
    case Event::Kind::kSignal: {
      if (task == nullptr || !task->alive()) return;
      if (const std::vector<int>& starting = task->signals.starting; !starting.empty()) {
        if (starting.front() != event.number) return;
        World next = world;
        std::vector<int>& rest = next.MutableTask(event.task).signals.starting;
        rest.erase(rest.begin());
        visit(std::move(next));
        return;
      }
      if ((task->signals.Deliverable() & task->signals.handled & Signals::Bit(event.number)) == 0) {
        return;
      }
      RunHandler(world, event.task, event.number, event.time_ns, visit);
      return;
    }
    case Event::Kind::kExit:
      if (task == nullptr || task->alive()) return;
      // Bit 7 says whether a core was dumped, which nobody promises.
      if (event.number >= 0 && (event.number & ~0x80) != task->status) return;
      visit(world);
      return;
    case Event::Kind::kKill: {
      if (task == nullptr) return;
      World next = world;
      if (task->alive()) next.MutableTask(event.task).signals.Raise(SIGKILL);
      visit(std::move(next));
      return;
    }
    case Event::Kind::kQuiet: {
      if (RestlessTask(world, event.time_ns) >= 0) return;
      World next = world;
      for (const auto& [number, waiting] : *world.tasks) {
        if (waiting->in_call() && !waiting->current.asleep && !waiting->stopped) {
          next.MutableTask(number).current.asleep = true;
        }
      }
      visit(std::move(next));
      return;
    }
  }
}

std::vector<World> Search::Through(const std::vector<World>& worlds, const Event& event) {
  // A call is made, and SIGKILL is sent, whatever else happens: no silent step need come before.
  const bool at_once = event.kind == Event::Kind::kCall || event.kind == Event::Kind::kKill;
  std::vector<World> after;
  absl::flat_hash_set<World> visited, reached;
  std::deque<World> open(worlds.begin(), worlds.end());
  while (!open.empty()) {
    const World world = std::move(open.front());
    open.pop_front();
    bool happened = false;
    Happen(world, event, [&](World next) {
      happened = true;
      if (reached.insert(next).second) after.push_back(std::move(next));
    });
    // Lazily: what could happen beside an event that has happened can as well happen after it. Not
    // so a signal that merged with the one whose handler runs: after it, there would be two.
    if (at_once || (happened && !OrderMatters(world, event))) continue;
    SilentSteps(world, event.time_ns, [&](World next) {
      if (visited.size() >= budget_) {
        exhausted_ = true;
      } else if (visited.insert(next).second) {
        open.push_back(std::move(next));
      }
    });
  }
  return after;
}

std::vector<World> Search::Closure(const std::vector<World>& worlds, int64_t now_ns) {
  absl::flat_hash_set<World> visited(worlds.begin(), worlds.end());
  std::vector<World> closure(visited.begin(), visited.end());
  for (size_t i = 0; i < closure.size(); ++i) {
    const World world = closure[i];
    SilentSteps(world, now_ns, [&](World next) {
      if (closure.size() >= budget_) {
        exhausted_ = true;
      } else if (visited.insert(next).second) {
        closure.push_back(std::move(next));
      }
    });
  }
  return closure;
}

int RestlessTask(const World& world, int64_t now_ns) {
  for (const auto& [number, task] : *world.tasks) {
    if (!task->alive()) continue;
    if (task->IsHeld()) continue;
    if (task->signals.Deliverable() != 0 || task->current.done) return number;
    if (!task->signals.starting.empty()) return number;
    if (!task->in_call()) continue;
    World copy = world;
    Choice sleepy(Choice::Mode::kSleepy);
    if (Offer(copy, number, now_ns, sleepy).kind != Result::kAsleep) return number;
  }
  return -1;
}

}  // namespace ipcspec
