// ReferenceSystem::Run: the reference under a scheduler that draws lots.
//
// At each turn one task is drawn, and one thing happens to it: it makes its next call, the call is
// offered the world as it is, a call that is done returns, a signal is delivered, its end is told.
// So a call takes effect at a random moment between its two events, as in a kernel. The world is
// never copied: an offer that is not taken leaves it as it was. A sleeper is set aside until
// something has happened that may wake it.
#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "impl/call/args.h"
#include "impl/call/cat.h"
#include "impl/call/program.h"
#include "impl/reference/reference.h"
#include "platforms/reference_system.h"

namespace ipcspec {
namespace {

constexpr int64_t kTick = 100;             // ns between two events
constexpr int64_t kLongestJump = 1 << 20;  // ns that may go by while nothing happens
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
class Lots {
 public:
  explicit Lots(uint64_t seed) : state_(seed) {}
  uint64_t Draw() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Below n.
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>((Draw() >> 32) * n >> 32); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

// A task, of the race or not: whoever gets a signal has to handle it.
struct Runner {
  int task = 0;
  const Script* script = nullptr;
  size_t next = 0;            // of the script
  int64_t pause = -1;         // turns to pass before the next call; -1: not begun
  Outcome outcome;            // of the call, once it is done
  int64_t deadline = kNever;  // of the call
  bool dying = false;         // a part of its end has happened
  bool dead = false;          // its end is not told yet
};

class RaceRun {
 public:
  RaceRun(World& world, int64_t& now_ns, const Race& race, std::vector<Event>& events)
      : world_(world), now_(now_ns), race_(race), events_(events), lots_(race.seed) {}

  void Run();

 private:
  enum class Turn { kWent, kIdle, kGone };

  void Prepare();
  // What happens to the runner now. kIdle: nothing, until something else has happened.
  Turn Go(Runner& runner);
  Turn MakeCall(Runner& runner);
  Turn OfferWorld(Runner& runner);
  Turn Deliver(Runner& runner);
  // Of a task whose end is certain a bit happens; false if all that is left is to happen at once.
  bool EndsInPart(Runner& runner);
  void Return(Runner& runner);
  // Of the call that it is in.
  void SetDeadline(Runner& runner);
  // The outcomes that `call` names put in.
  std::shared_ptr<const Call> Resolved(const std::shared_ptr<const Call>& call) const;
  void Emit(Event event);
  // The idle ones may have reason to go on.
  void WakeAll();
  bool NothingLeft();

  World& world_;
  int64_t& now_;
  const Race& race_;
  std::vector<Event>& events_;
  Lots lots_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<Runner*> active_, idle_;
  int64_t next_deadline_ = kNever;              // of those that are idle
  absl::flat_hash_map<int, Outcome> outcomes_;  // of the steps that others name
  uint32_t switches_ = 1;                       // one turn in so many goes to another task
};

void RaceRun::Emit(Event event) {
  now_ += kTick;
  event.time_ns = now_;
  events_.push_back(std::move(event));
}

bool HasReferences(const Call& call) {
  bool has = false;
  ForEachArg(call, [&](const auto& arg) { has |= arg.is_reference(); });
  return has;
}

void RaceRun::Prepare() {
  size_t calls = 0;
  absl::flat_hash_map<int, const Script*> scripts;
  for (const Script& script : race_.scripts) {
    scripts[script.task] = &script;
    calls += script.steps.size();
    for (const RaceStep& step : script.steps) {
      ForEachArg(*step.call, [&](const auto& arg) {
        if (arg.is_reference()) outcomes_[arg.label] = Fails(0);
      });
    }
  }
  events_.reserve(events_.size() + 2 * calls + 16);
  for (const auto& [number, task] : *world_.tasks) {
    if (!task->alive()) continue;
    const auto script = scripts.find(number);
    runners_.push_back(std::make_unique<Runner>(
        Runner{.task = number, .script = script == scripts.end() ? nullptr : script->second}));
    active_.push_back(runners_.back().get());
    if (task->in_call()) SetDeadline(*runners_.back());
  }
  constexpr uint32_t kSwitches[] = {1, 1, 3, 12};
  switches_ = kSwitches[lots_.Below(4)];
}

void RaceRun::WakeAll() {
  active_.insert(active_.end(), idle_.begin(), idle_.end());
  idle_.clear();
  next_deadline_ = kNever;
}

void RaceRun::Run() {
  Prepare();
  size_t at = 0;
  while (!active_.empty() || !NothingLeft()) {
    if (at >= active_.size() || lots_.OneIn(switches_)) {
      at = lots_.Below(static_cast<uint32_t>(active_.size()));
    }
    Runner* const runner = active_[at];
    const Turn turn = Go(*runner);
    if (turn != Turn::kWent) {
      if (turn == Turn::kIdle) {
        idle_.push_back(runner);
        next_deadline_ = std::min(next_deadline_, runner->deadline);
      }
      active_[at] = active_.back();
      active_.pop_back();
    }
    if (next_deadline_ != kNever) {
      if (lots_.OneIn(64)) now_ += lots_.Below(kLongestJump);
      if (next_deadline_ <= now_) WakeAll();
    }
  }
}

// Nobody goes on by himself: time passes until a call times out.
bool RaceRun::NothingLeft() {
  if (next_deadline_ == kNever) return true;
  now_ = std::max(now_, next_deadline_);
  WakeAll();
  return false;
}

RaceRun::Turn RaceRun::Go(Runner& runner) {
  if (runner.dead) {
    const int status = world_.GetTask(runner.task).status;
    Emit({.kind = Event::Kind::kExit, .task = runner.task, .number = status});
    return Turn::kGone;
  }
  const Task& task = world_.GetTask(runner.task);
  if (runner.dying && !lots_.OneIn(6)) return Turn::kWent;  // others may see it half done
  if (task.IsHeld()) return Turn::kIdle;
  if (runner.dying) return task.in_call() ? OfferWorld(runner) : Deliver(runner);
  if (task.current.done) {
    if (task.signals.Deliverable() != 0) return Deliver(runner);
    Return(runner);
    return Turn::kWent;
  }
  if (task.signals.Deliverable() != 0 && lots_.OneIn(2)) return Deliver(runner);
  if (task.in_call()) return OfferWorld(runner);
  const bool more = runner.script != nullptr && runner.next < runner.script->steps.size();
  if (more) return MakeCall(runner);
  return task.signals.Deliverable() != 0 ? Deliver(runner) : Turn::kIdle;
}

RaceRun::Turn RaceRun::MakeCall(Runner& runner) {
  const RaceStep& step = runner.script->steps[runner.next];
  if (runner.pause < 0) {
    constexpr int64_t kMostTurns = 100;
    runner.pause = step.pause_ns < 0 ? 1 : std::min(step.pause_ns / kTick, kMostTurns);
  }
  if (runner.pause-- > 0) return Turn::kWent;
  ++runner.next;
  std::shared_ptr<const Call> call = HasReferences(*step.call) ? Resolved(step.call) : step.call;
  Emit({.kind = Event::Kind::kCall, .task = runner.task, .label = step.label, .call = call});
  Begin(world_, runner.task, step.label, std::move(call), now_);
  SetDeadline(runner);
  return Turn::kWent;
}

void RaceRun::SetDeadline(Runner& runner) {
  const Current& current = world_.GetTask(runner.task).current;
  const int64_t timeout = TimeoutOf(*current.call).ns;
  const bool none = timeout == Nanos::kForever || timeout > kNever - current.invoked;
  runner.deadline = none ? kNever : current.invoked + timeout;
}

std::shared_ptr<const Call> RaceRun::Resolved(const std::shared_ptr<const Call>& call) const {
  bool all = true;
  return std::make_shared<const Call>(Resolve(
      *call,
      [this](ArgKind, int label, int index) -> std::optional<int64_t> {
        const Outcome& outcome = outcomes_.at(label);
        if (index < 0) return outcome.ret;
        return static_cast<size_t>(index) < outcome.values.size() ? outcome.values[index] : -1;
      },
      &all));
}

RaceRun::Turn RaceRun::OfferWorld(Runner& runner) {
  const Current& current = world_.GetTask(runner.task).current;
  // That a handler ended the sleep may have been decided before what the call could go on with.
  const Outcome interrupted = Fails(EINTR);
  const bool may_end = current.interrupted || current.may_be_interrupted || current.disturbed;
  const bool ends = may_end && lots_.OneIn(2);
  Choice choice = ends ? Choice(&interrupted) : Choice(Choice::Mode::kUsual);
  choice.luck = lots_.Draw();
  if (std::holds_alternative<Exit>(*current.call) && EndsInPart(runner)) return Turn::kWent;
  const bool makes_task = MakesTask(*current.call);
  const int label = current.label;
  Result result = Offer(world_, runner.task, now_, choice);
  if (result.kind == Result::kAsleep) {
    if (ends || world_.GetTask(runner.task).signals.Deliverable() != 0) return Turn::kWent;
    if (runner.deadline <= now_) runner.deadline = kNever;  // it does not look at the time
    return Turn::kIdle;
  }
  WakeAll();
  if (!world_.GetTask(runner.task).alive()) {
    runner.dead = true;
  } else if (result.done()) {
    runner.outcome = std::move(result.outcome);
    if (makes_task && runner.outcome.ok()) {
      runners_.push_back(std::make_unique<Runner>(Runner{.task = label}));
      idle_.push_back(runners_.back().get());
    }
  }
  return Turn::kWent;
}

bool RaceRun::EndsInPart(Runner& runner) {
  if (lots_.OneIn(2)) return false;
  std::vector<World> worlds;
  DieInPart(world_, runner.task, now_, [&](World next) { worlds.push_back(std::move(next)); });
  if (worlds.empty()) return false;
  world_ = std::move(worlds[lots_.Below(static_cast<uint32_t>(worlds.size()))]);
  runner.dying = true;
  WakeAll();
  return true;
}

RaceRun::Turn RaceRun::Deliver(Runner& runner) {
  const uint64_t due = world_.GetTask(runner.task).signals.Deliverable();
  const uint64_t handled = world_.GetTask(runner.task).signals.handled & ~Signals::Bit(SIGKILL);
  const int signal = std::countr_zero(runner.dying ? due & ~handled : due) + 1;
  const bool fatal = (handled & Signals::Bit(signal)) == 0;
  if (fatal && EndsInPart(runner)) return Turn::kWent;
  const Delivery delivery = ipcspec::Deliver(world_, runner.task, signal, now_);
  WakeAll();
  if (delivery == Delivery::kDies) {
    runner.dead = true;
  } else {
    Emit({.kind = Event::Kind::kSignal, .task = runner.task, .number = signal});
  }
  return Turn::kWent;
}

void RaceRun::Return(Runner& runner) {
  const auto named = outcomes_.find(world_.GetTask(runner.task).current.label);
  if (named != outcomes_.end()) named->second = runner.outcome;
  Finish(world_, runner.task);
  runner.pause = -1;
  runner.deadline = kNever;
  Emit({.kind = Event::Kind::kReturn, .task = runner.task, .outcome = std::move(runner.outcome)});
}

}  // namespace

absl::Status ReferenceSystem::Run(const Race& race, std::vector<Event>& events) {
  for (const Script& script : race.scripts) {
    if (!Idle(script.task)) {
      return absl::FailedPreconditionError(Cat("t", script.task, " cannot run a script"));
    }
  }
  RaceRun(world_, now_, race, events).Run();
  return Settle(events);
}

}  // namespace ipcspec
