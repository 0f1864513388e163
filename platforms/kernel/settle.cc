// KernelSystem's waiting: takes the answers of agents, and finds out when all is quiet.
//
// Idea: a task sleeps in its call when /proc says so twice with no switch of context between. Where
// /proc does not tell (gVisor), silence that is long beside what an answer takes counts as a guess.
// No time stands for "by now it has happened" where /proc tells.
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/text.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

constexpr int64_t kPatience = 2'000'000'000;  // ns of silence that count for much

// Whether the call ends by itself after some time.
bool IsTimed(const Call& call) { return TimeoutOf(call).ns != Nanos::kForever; }

// Whether the call may sleep until another task does something.
bool MaySleep(const Call& call) {
  return std::visit(
      []<class C>(const C&) {
        return std::is_same_v<C, Open> || std::is_same_v<C, Read> || std::is_same_v<C, Readv> ||
               std::is_same_v<C, Write> || std::is_same_v<C, Writev> || std::is_same_v<C, Poll> ||
               std::is_same_v<C, Semop> || std::is_same_v<C, Wait> || std::is_same_v<C, Msgsnd> ||
               std::is_same_v<C, Msgrcv> || std::is_same_v<C, MqSend> ||
               std::is_same_v<C, MqReceive> || std::is_same_v<C, PsemWait>;
      },
      call);
}

}  // namespace

void KernelSystem::TellHandlers(int number, Task& task, std::vector<Event>& events) {
  Mailbox& box = BoxOf(task);
  const uint32_t run = box.handlers_run.load(std::memory_order_acquire);
  for (; task.handlers_told != run; ++task.handlers_told) {
    events.push_back({.kind = Event::Kind::kSignal,
                      .time_ns = Now(),
                      .task = number,
                      .number = box.handler_log[task.handlers_told % Mailbox::kLogSize]});
  }
}

void KernelSystem::TellExit(int number, Task& task, int status, std::vector<Event>& events) {
  TellHandlers(number, task, events);
  events.push_back(
      {.kind = Event::Kind::kExit, .time_ns = Now(), .task = number, .number = status});
  task.alive = false;
  task.call = nullptr;
  task.watch = ProcWatch();
  BoxOf(task).state.store(Mailbox::kUnused);
  look_at_idle_ = true;  // its parent hears of it
}

bool KernelSystem::Collect(std::vector<Event>& events) {
  bool any = false;
  for (auto& [number, task] : tasks_) {
    if (!task.alive || task.pid < 0) continue;
    Mailbox& box = BoxOf(task);
    if (task.call != nullptr && box.state.load(std::memory_order_acquire) == Mailbox::kAnswered) {
      TellHandlers(number, task, events);
      const std::shared_ptr<const Call> call = std::move(task.call);
      const RawAnswer answer = AnswerOf(task);
      task.call = nullptr;
      task.entry = -1;
      LoweringContext context = ContextFor(number);
      Outcome outcome;
      if (MakesTask(*call)) {
        const int child = static_cast<int>(box.request.args[1]);
        // The child that this call was given, by its slot.
        int label = -1;
        for (auto& [other, t] : tasks_) {
          if (t.alive && t.pid < 0 && t.slot == child) label = other;
        }
        if (box.request.result < 0) {
          memory_->slots[child].state.store(Mailbox::kUnused);
          tasks_.erase(label);
          outcome = Fails(static_cast<int>(-box.request.result));
        } else {
          Task& made = tasks_.at(label);
          made.pid = static_cast<int>(box.request.result);
          made.watch = ProcWatch(made.pid);
          outcome = Returns(label);
        }
      } else {
        outcome = Decode(*call, context, answer);
        leftovers_.NoteOutcome(*call, outcome);
        if (std::holds_alternative<Exec>(*call) && !outcome.ok()) {
          trouble_ = absl::UnavailableError(
              Cat("an agent cannot run its own program again: ", ToText(outcome)));
        }
      }
      events.push_back({.kind = Event::Kind::kReturn,
                        .time_ns = Now(),
                        .task = number,
                        .outcome = std::move(outcome)});
      return true;  // the map may have changed
    }
    const size_t before = events.size();
    TellHandlers(number, task, events);
    any |= events.size() != before;
  }
  return any;
}

bool KernelSystem::Busy() const {
  for (const auto& [number, task] : tasks_) {
    if (task.alive && (task.call != nullptr || task.pid < 0 ||
                       memory_->slots[task.slot].state.load() == Mailbox::kStarting)) {
      return true;
    }
  }
  return false;
}

void KernelSystem::Yield(int round) {
  // Most answers come while the agent has its turn. But a scheduler may give it none for a yield
  // (CFS does not to a child just forked), and under emulation it may take long.
  if (round < 2) {
    sched_yield();
  } else {
    const timespec rest = {.tv_sec = 0,
                           .tv_nsec = std::min(20'000L << std::min(round - 2, 6), 1'000'000L)};
    FutexWait(memory_->answers, heard_, &rest);
  }
  // Before the answers are looked at: one that comes meanwhile is heard at once the next time.
  heard_ = memory_->answers.load(std::memory_order_acquire);
}

KernelSystem::Quiet KernelSystem::LookAtAll(std::vector<Event>& events) {
  // Behind a race, too, no state is read while one of them runs (proc_watch.h).
  for (auto& [number, task] : tasks_) {
    if (task.alive && task.call != nullptr && task.pid > 0 && task.watch.Running()) {
      return Quiet::kNo;
    }
  }
  std::map<int, int64_t> switches;
  for (int pass = 0; pass < 2; ++pass) {
    for (auto& [number, task] : tasks_) {
      if (!task.alive) continue;
      const Mailbox& box = BoxOf(task);
      if (task.pid < 0 || box.state.load() == Mailbox::kStarting) return Quiet::kNo;
      if (task.call == nullptr && !look_at_idle_) continue;
      const ProcLook look = task.watch.Look();
      if (look.state == ProcLook::kDead) {
        TellExit(number, task, look.status, events);
        return Quiet::kSomethingEnded;
      }
      if (look.state == ProcLook::kRunning) return Quiet::kNo;
      // Asleep on its mailbox is where an idle task belongs, and one with a request does not.
      const bool on_mailbox =
          look.syscall == SYS_futex && look.argument == reinterpret_cast<int64_t>(&box.state);
      if (look.state == ProcLook::kBlocked && on_mailbox != (task.call == nullptr)) {
        return Quiet::kNo;
      }
      if (task.call != nullptr && box.state.load() == Mailbox::kAnswered) return Quiet::kNo;
      if (pass == 0) {
        switches[number] = look.switches;
      } else if (switches[number] != look.switches) {
        return Quiet::kNo;
      }
    }
  }
  return Quiet::kYes;
}

std::string KernelSystem::WhatEachDoes() {
  std::string text;
  for (auto& [number, task] : tasks_) {
    if (!task.alive) continue;
    const ProcLook look = task.watch.Look();
    Append(&text, " t", number, task.call == nullptr ? " is idle" : " is in ",
           task.call == nullptr ? "" : ToText(*task.call), " (/proc: state ",
           static_cast<int>(look.state), ", system call ", look.syscall, ");");
  }
  return text;
}

absl::Status KernelSystem::Settle(std::vector<Event>& events) {
  int64_t changed = Monotonic();
  const auto end = [&](bool guessed) {
    look_at_idle_ = false;
    events.push_back({.kind = Event::Kind::kQuiet, .time_ns = Now(), .guessed = guessed});
    return absl::OkStatus();
  };
  for (int round = 0;; ++round) {
    if (!trouble_.ok()) return trouble_;
    if (Collect(events)) {
      changed = Monotonic();
      round = 0;
      continue;
    }
    if (!Busy() && !look_at_idle_) return end(false);
    const int64_t now = Monotonic();
    if (!guesses_) {
      // An answer comes within a few switches to the agent, unless it sleeps.
      if (round >= 2) {
        const Quiet quiet = LookAtAll(events);
        if (quiet == Quiet::kSomethingEnded) {
          changed = now, round = 0;
          continue;
        }
        if (quiet == Quiet::kYes && !Collect(events)) return end(false);
      }
    } else {
      for (auto& [number, task] : tasks_) {
        int status = -1;
        if (task.alive && task.pid > 0 && task.watch.Dead(&status)) {
          // Where /proc does not tell who is blocked, it tells no exit status either.
          TellExit(number, task, -1, events);
          changed = now;
        }
      }
      // What cannot sleep is slow (exec): its silence tells little. A child that has not come up
      // yet is not quiet, however long that takes: it would take a request for its start.
      bool slow = false, starts = false;
      for (const auto& [number, task] : tasks_) {
        if (!task.alive) continue;
        slow |= task.call != nullptr && !MaySleep(*task.call);
        starts |= BoxOf(task).state.load() == Mailbox::kStarting;
      }
      if (!starts && now - changed > (slow ? std::max(guess_ns_, kPatience) : guess_ns_)) {
        return end(true);
      }
    }
    if (now - changed > kNoProgress) {
      return absl::DeadlineExceededError(Cat("nothing settles:", WhatEachDoes()));
    }
    Yield(round);
  }
}

absl::Status KernelSystem::AwaitReturn(int number, absl::Duration deadline,
                                       std::vector<Event>& events) {
  const int64_t give_up = Monotonic() + absl::ToInt64Nanoseconds(deadline);
  const auto in_call = [&] {
    const auto it = tasks_.find(number);
    return it != tasks_.end() && it->second.alive && it->second.call != nullptr;
  };
  // Everything is quiet before: only a call's timeout can end what no other call ends.
  if (std::none_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
        return entry.second.alive && entry.second.call != nullptr && IsTimed(*entry.second.call);
      })) {
    return absl::DeadlineExceededError(Cat("t", number, " has nothing to wait for"));
  }
  for (int round = 0; in_call(); ++round) {
    if (Collect(events)) continue;
    if (Monotonic() > give_up) return absl::DeadlineExceededError(Cat("t", number, " waits"));
    Yield(round);
  }
  return Settle(events);
}

absl::Status KernelSystem::Patience(std::vector<Event>& events) {
  const int64_t usual = std::exchange(guess_ns_, std::max(guess_ns_, kPatience));
  const absl::Status status = Settle(events);
  guess_ns_ = usual;
  return status;
}

}  // namespace ipcspec
