// KernelSystem's races: agents carry out scripts, and this tells afterwards what happened.
//
// While they race, the harness only watches: that all are through, or asleep in their calls. What
// each call gave, and when, is in the script (mailbox.h); the lists of all tasks are merged by
// time.
#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/args.h"
#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "impl/call/text.h"
#include "impl/mechanism/step.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

// Stands in a request for an outcome that is not known yet, and is found again by its number.
constexpr int64_t kUnknown = 0x6b7e'0000;

// How long nothing may change before the harness looks whether all sleep, and, where it cannot
// look, before it believes so.
constexpr int64_t kLookAfter = 100'000;
constexpr int64_t kBelieveAfter = 200'000'000;

// Calls come before what ends a call at the same time: then they count as overlapping.
int Rank(const Event& event) {
  return event.kind == Event::Kind::kCall ? 0 : event.kind == Event::Kind::kSignal ? 1 : 2;
}

bool Before(const Event& a, const Event& b) {
  return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : Rank(a) < Rank(b);
}

// Merges lists that are each in order; the order within each stays.
void Merge(std::vector<std::vector<Event>> lists, std::vector<Event>& into) {
  struct Rest {
    Event *next, *end;
  };
  std::vector<Rest> rests;
  size_t all = into.size();
  for (std::vector<Event>& list : lists) {
    all += list.size();
    if (!list.empty()) rests.push_back({list.data(), list.data() + list.size()});
  }
  into.reserve(all);
  while (!rests.empty()) {
    const auto first =
        std::min_element(rests.begin(), rests.end(),
                         [](const Rest& a, const Rest& b) { return Before(*a.next, *b.next); });
    into.push_back(std::move(*first->next));
    if (++first->next == first->end) rests.erase(first);
  }
}

// Whether an argument is what another call of the race gives.
bool TakesOutcomes(const Call& call) {
  bool takes = false;
  ForEachArg(call, [&](const auto& arg) { takes |= arg.is_reference(); });
  return takes;
}

// Whether the agent guards such calls against bad addresses (agent_ops.h).
bool IsGuarded(const Call& call) {
  return std::visit(
      []<class C>(const C&) {
        return std::is_same_v<C, Load> || std::is_same_v<C, Store> || std::is_same_v<C, PsemPost> ||
               std::is_same_v<C, PsemTryWait> || std::is_same_v<C, PsemWait> ||
               std::is_same_v<C, PsemGetValue>;
      },
      call);
}

}  // namespace

RawAnswer KernelSystem::AnswerOf(const Task& task) const {
  if (task.entry >= 0) {
    const ScriptMemory& script = memory_->scripts[task.slot];
    const ScriptEntry& entry = script.entries[task.entry];
    return {.result = entry.request.result, .buffer = script.buffer.data() + entry.buffer};
  }
  const Mailbox& box = memory_->slots[task.slot];
  return {.result = box.request.result, .buffer = box.buffer.data()};
}

absl::Status KernelSystem::Prepare(const Script& script, const Places& places) {
  const Task& task = tasks_.at(script.task);
  ScriptMemory& memory = memory_->scripts[task.slot];
  const LoweringContext context = ContextFor(script.task);
  size_t used = 0;
  memory.cpu = script.cpu;
  memory.done.store(0);
  memory.count = static_cast<int32_t>(script.steps.size());
  memory.guarded = guards_once_;
  memory.unrecorded = unrecorded_;
  if (script.steps.size() > ScriptMemory::kEntries) {
    return absl::ResourceExhaustedError(
        Cat("a script has at most ", ScriptMemory::kEntries, " calls"));
  }
  for (size_t i = 0; i < script.steps.size(); ++i) {
    const RaceStep& step = script.steps[i];
    ScriptEntry& entry = memory.entries[i];
    entry.called_ns.store(0, std::memory_order_relaxed);
    entry.returned_ns.store(0, std::memory_order_relaxed);
    entry.yields = step.pause_ns < 0;
    entry.pause_ns = std::max<int64_t>(step.pause_ns, 0);
    entry.buffer = static_cast<uint32_t>(used);
    for (ScriptEntry::Patch& patch : entry.patches) patch.arg = -1;

    int64_t unknown = 0;
    std::pair<int, int> from[2];
    int index_of[2] = {};
    bool resolved = true;
    std::optional<Call> whole;
    if (TakesOutcomes(*step.call)) {
      whole = Resolve(
          *step.call,
          [&](ArgKind, int label, int index) -> std::optional<int64_t> {
            const auto at = places.find(label);
            if (at == places.end() || unknown == 2) return std::nullopt;
            from[unknown] = at->second;
            index_of[unknown] = index;
            return kUnknown + unknown++;
          },
          &resolved);
    }
    const Call& call = whole ? *whole : *step.call;
    IPCSPEC_CHECK(!MakesTask(call), "a script forks");
    Request request(entry.request, memory.buffer.data() + used, ScriptMemory::kBufferSize - used);
    if (absl::Status status = Lower(call, context, request); !status.ok()) return status;
    used = (used + request.used() + 63) / 64 * 64;
    for (int64_t k = 0; k < unknown; ++k) {
      const auto arg =
          std::find(entry.request.args.begin(), entry.request.args.end(), kUnknown + k);
      resolved &= arg != entry.request.args.end();
      if (!resolved) break;
      entry.patches[k] = {.arg = static_cast<int16_t>(arg - entry.request.args.begin()),
                          .slot = static_cast<int16_t>(from[k].first),
                          .entry = from[k].second,
                          .index = index_of[k]};
    }
    if (!resolved) {
      return absl::InvalidArgumentError(
          Cat("in a race, ", ToText(*step.call), " cannot take what another call gives"));
    }
    leftovers_.Note(call, directory_);
    look_at_idle_ = true;
  }
  memory.used = static_cast<uint32_t>(used);
  return absl::OkStatus();
}

KernelSystem::Places KernelSystem::PlacesIn(const Race& race) const {
  Places places;
  for (const Script& script : race.scripts) {
    const int slot = tasks_.at(script.task).slot;
    for (size_t i = 0; i < script.steps.size(); ++i) {
      places.emplace(script.steps[i].label, std::pair(slot, static_cast<int>(i)));
    }
  }
  return places;
}

absl::Status KernelSystem::StartRace(const Race& race) {
  guards_once_ = true;
  bool some_take = false;
  for (const Script& script : race.scripts) {
    IPCSPEC_CHECK(Idle(script.task), "a task of the race is in a call");
    for (const RaceStep& step : script.steps) {
      guards_once_ &= IsGuarded(*step.call);
      some_take |= TakesOutcomes(*step.call);
    }
  }
  const Places places = some_take ? PlacesIn(race) : Places();
  for (const Script& script : race.scripts) {
    if (absl::Status status = Prepare(script, places); !status.ok()) return status;
  }
  memory_->ready.store(0), memory_->stop.store(0);
  memory_->go.store(race.scripts.empty() ? 1 : 0);
  memory_->racers = static_cast<int32_t>(race.scripts.size());
  for (const Script& script : race.scripts) {
    Mailbox& box = BoxOf(tasks_.at(script.task));
    box.request = {.op = kScript, .deadline = -1};
    box.state.store(Mailbox::kCalled, std::memory_order_release);
    FutexWake(box.state);
  }
  const int64_t give_up = Monotonic() + kNoProgress;
  for (int round = 0; memory_->go.load(std::memory_order_acquire) == 0; ++round) {
    if (Monotonic() > give_up) return absl::DeadlineExceededError("a race does not start");
    Yield(round);
  }
  return absl::OkStatus();
}

// Whether each task that is not through is dead, or sleeps in a call of its script, looked at
// twice. Where /proc does not tell of sleep nobody sleeps.
bool KernelSystem::AllAsleep(const Race& race) {
  // No state is read while one of them runs (proc_watch.h).
  for (const Script& script : race.scripts) {
    if (tasks_.at(script.task).watch.Running()) return false;
  }
  std::map<int, int64_t> switches;
  for (int pass = 0; pass < 2; ++pass) {
    for (const Script& script : race.scripts) {
      Task& task = tasks_.at(script.task);
      if (BoxOf(task).state.load(std::memory_order_acquire) == Mailbox::kAnswered) continue;
      const ProcLook look = task.watch.Look();
      if (look.state == ProcLook::kDead) continue;
      const ScriptMemory& memory = memory_->scripts[task.slot];
      const int at = memory.done.load(std::memory_order_acquire);
      if (at == memory.count) return false;
      const ScriptEntry& entry = memory.entries[at];
      const int64_t called = entry.called_ns.load(std::memory_order_acquire);
      if (look.state != ProcLook::kBlocked || called == 0) return false;
      // What ends by itself is waited for, unless it is forgotten.
      const Nanos timeout = TimeoutOf(*script.steps[static_cast<size_t>(at)].call);
      if (timeout.ns != Nanos::kForever &&
          Monotonic() - called < std::max<int64_t>(timeout.ns, 0) + kOverrun + kLookAfter) {
        return false;
      }
      if (pass == 1 && switches[script.task] != look.switches) return false;
      switches[script.task] = look.switches;
    }
  }
  return true;
}

// Whether each task that is not through is dead or in a call. One that is between two calls will
// make the next, however long it waits for a processor: it may be what another waits for.
bool KernelSystem::AllInCalls(const Race& race) {
  return std::all_of(race.scripts.begin(), race.scripts.end(), [&](const Script& script) {
    Task& task = tasks_.at(script.task);
    if (BoxOf(task).state.load(std::memory_order_acquire) == Mailbox::kAnswered) return true;
    const ScriptMemory& memory = memory_->scripts[task.slot];
    const int at = memory.done.load(std::memory_order_acquire);
    int status = 0;
    return (at < memory.count && memory.entries[at].called_ns.load() != 0) ||
           task.watch.Dead(&status);
  });
}

absl::Status KernelSystem::AwaitRace(const Race& race) {
  const int64_t give_up = Monotonic() + 6 * kNoProgress;
  int64_t changed = Monotonic(), last = -1;
  for (int round = 0;; ++round) {
    int64_t progress = 0;
    bool through = true;
    for (const Script& script : race.scripts) {
      const Task& task = tasks_.at(script.task);
      progress += memory_->scripts[task.slot].done.load(std::memory_order_relaxed);
      through &= BoxOf(task).state.load(std::memory_order_acquire) == Mailbox::kAnswered;
    }
    if (through) return absl::OkStatus();
    const int64_t now = Monotonic();
    if (progress != last) {  // looked at ever more rarely: the last to be through tells
      last = progress, changed = now;
    } else if (now - changed > kLookAfter && AllAsleep(race)) {
      return absl::OkStatus();
    } else if (guesses_ && now - changed > std::max(4 * guess_ns_, kBelieveAfter) &&
               AllInCalls(race)) {
      return absl::OkStatus();
    }
    if (now > give_up) {
      return absl::DeadlineExceededError(Cat("a race has no end:", WhatEachDoes()));
    }
    Yield(round + 2);
  }
}

std::vector<Event> KernelSystem::TakeHandlers(Task& task, int number) {
  const Mailbox& box = BoxOf(task);
  const uint32_t run = box.handlers_run.load(std::memory_order_acquire);
  if (run - task.handlers_told > Mailbox::kLogSize) {
    trouble_ = absl::ResourceExhaustedError("more handlers ran than an agent can note");
    task.handlers_told = run;
  }
  std::vector<Event> ran;
  for (; task.handlers_told != run; ++task.handlers_told) {
    const uint32_t at = task.handlers_told % Mailbox::kLogSize;
    ran.push_back({.kind = Event::Kind::kSignal,
                   .time_ns = box.handler_times[at] - start_ns_,
                   .task = number,
                   .number = box.handler_log[at]});
  }
  return ran;
}

// The events of one task. What it is in still, or has died in, stays in Task::call.
std::vector<Event> KernelSystem::WhatDid(const Script& script) {
  Task& task = tasks_.at(script.task);
  const ScriptMemory& memory = memory_->scripts[task.slot];
  const LoweringContext context = ContextFor(script.task);
  std::vector<Event> did;
  did.reserve(2 * static_cast<size_t>(memory.count));
  for (int i = 0; i < memory.count; ++i) {
    const ScriptEntry& entry = memory.entries[i];
    const int64_t called = entry.called_ns.load(std::memory_order_acquire);
    if (called == 0) break;
    const RaceStep& step = script.steps[static_cast<size_t>(i)];
    std::shared_ptr<const Call> call = step.call;
    if (entry.patches[0].arg >= 0) {
      int patch = 0;
      bool resolved = true;
      call = std::make_shared<const Call>(Resolve(
          *call,
          [&](ArgKind, int, int) -> std::optional<int64_t> { return entry.patches[patch++].value; },
          &resolved));
    }
    did.push_back({.kind = Event::Kind::kCall,
                   .time_ns = called - start_ns_,
                   .task = script.task,
                   .label = step.label,
                   .call = call});
    const int64_t returned = entry.returned_ns.load(std::memory_order_acquire);
    task.call = call, task.entry = i;
    if (returned == 0) break;
    Outcome outcome = Decode(*call, context, AnswerOf(task));
    leftovers_.NoteOutcome(*call, outcome);
    did.push_back({.kind = Event::Kind::kReturn,
                   .time_ns = returned - start_ns_,
                   .task = script.task,
                   .outcome = std::move(outcome)});
    task.call = nullptr, task.entry = -1;
  }
  return did;
}

absl::StatusOr<int64_t> KernelSystem::TimeRace(const Race& race, bool recorded) {
  unrecorded_ = !recorded;
  absl::Status status = StartRace(race);
  unrecorded_ = false;
  if (status.ok()) status = AwaitRace(race);
  if (!status.ok()) return status;
  int64_t first = INT64_MAX, last = 0;
  for (const Script& script : race.scripts) {
    const ScriptMemory& memory = memory_->scripts[tasks_.at(script.task).slot];
    if (memory.done.load(std::memory_order_acquire) != memory.count || memory.count == 0) {
      return absl::FailedPreconditionError(Cat("t", script.task, " is not through"));
    }
    first = std::min(first, memory.entries[0].called_ns.load());
    last = std::max(last, memory.entries[memory.count - 1].returned_ns.load());
  }
  return last - first;
}

absl::Status KernelSystem::Run(const Race& race, std::vector<Event>& events) {
  if (absl::Status status = StartRace(race); !status.ok()) return status;
  if (absl::Status status = AwaitRace(race); !status.ok()) return status;
  // Nobody goes on to another call; one that is on its way there is waited for.
  memory_->stop.store(1);
  for (int round = 0;; ++round) {
    if (AllInCalls(race)) break;
    if (round > 20'000) return absl::DeadlineExceededError("a race does not stop");
    Yield(round);
  }
  std::vector<std::vector<Event>> lists;
  for (const Script& script : race.scripts) lists.push_back(WhatDid(script));
  for (auto& [number, task] : tasks_) {
    if (task.alive) lists.push_back(TakeHandlers(task, number));
  }
  // A handler that ran in a call is told between its call and its return: lists of one task are
  // merged first.
  std::vector<std::vector<Event>> merged;
  for (auto& list : lists) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& other) {
      return !other.empty() && !list.empty() && other[0].task == list[0].task;
    });
    if (same == merged.end()) {
      merged.push_back(std::move(list));
    } else {
      std::vector<Event> both;
      Merge({std::move(*same), std::move(list)}, both);
      *same = std::move(both);
    }
  }
  Merge(std::move(merged), events);
  // The rest is as in lock step: who has died meanwhile, who goes on after all, and quiet.
  return Settle(events);
}

}  // namespace ipcspec
