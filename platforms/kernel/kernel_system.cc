#include "platforms/kernel/kernel_system.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "impl/call/text.h"
#include "platforms/kernel/agent.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

constexpr int64_t kPatience = 2'000'000'000;     // ns of silence that count for much
constexpr int64_t kNoProgress = 10'000'000'000;  // ns without any, and the harness gives up

int64_t Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

// Whether the call can do something to tasks other than by what they wait for: a handler may run
// in an idle task, or it may end.
bool TouchesOthers(const Call& call) {
  return std::holds_alternative<Kill>(call) || std::holds_alternative<Exit>(call) ||
         std::holds_alternative<MqSend>(call);  // mq_notify(3)
}

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

absl::StatusOr<std::unique_ptr<KernelSystem>> KernelSystem::Create(const Isolation& isolation,
                                                                   const Dialect& dialect) {
  std::unique_ptr<KernelSystem> system(new KernelSystem(isolation, dialect));
  system->memory_path_ = Cat(isolation.directory, "/memory");
  const int fd = open(system->memory_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, sizeof(Mailboxes)) != 0) {
    return absl::UnavailableError(
        Cat("cannot make '", system->memory_path_, "': ", std::strerror(errno)));
  }
  void* map = mmap(kMailboxesAddress, sizeof(Mailboxes), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) {
    return absl::UnavailableError(Cat("cannot map agents' memory: ", std::strerror(errno)));
  }
  system->memory_ = static_cast<Mailboxes*>(map);
  system->directory_ = Cat(isolation.directory, "/program");
  system->image_path_ = Cat(isolation.directory, "/ipcspec");
  std::error_code error;
  std::filesystem::copy_file("/proc/self/exe", system->image_path_, error);
  if (error || chmod(system->image_path_.c_str(), 0755) != 0 ||
      chmod(isolation.directory.c_str(), 0755) != 0) {
    return absl::UnavailableError(
        Cat("cannot copy this program to '", system->image_path_, "': ", error.message()));
  }
  system->guesses_ = !ProcTellsBlocked();
  if (!system->guesses_) {
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
      // The one that the scheduler chose: runs side by side do not meet on the first.
      const int cpu = sched_getcpu();
      if (cpu >= 0 && CPU_ISSET(cpu, &allowed)) {
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
      }
    }
  }
  return system;
}

KernelSystem::KernelSystem(const Isolation& isolation, const Dialect& dialect)
    : isolation_(isolation), dialect_(dialect), leftovers_(isolation, dialect_) {}

KernelSystem::~KernelSystem() {
  if (memory_ == nullptr) return;
  KillAll().IgnoreError();
  leftovers_.TakeAway(directory_);
  munmap(memory_, sizeof(Mailboxes));
  unlink(memory_path_.c_str());
  unlink(image_path_.c_str());
}

absl::Status KernelSystem::KillAll() {
  // First of its PID namespace: everything else there is ours.
  if (isolation_.pid) {
    kill(-1, SIGKILL);
  } else {
    for (const auto& [number, task] : tasks_) {
      // A child whose fork has not returned is known by its mailbox only. Never a number below 1:
      // that would mean many processes.
      const int pid = task.pid > 0 ? task.pid : BoxOf(task).pid;
      if (task.alive && pid > 0) kill(pid, SIGKILL);
    }
  }
  const int64_t give_up = Monotonic() + kNoProgress;
  for (int round = 0;; ++round) {
    const pid_t ended = waitpid(-1, nullptr, WNOHANG);
    if (ended > 0 || (ended < 0 && errno == EINTR)) continue;
    // There is none left; but orphans may have gone to another parent, who waits for them or not.
    int status = 0;
    const auto lives = [&](auto& entry) {
      return entry.second.alive && entry.second.pid > 0 && !entry.second.watch.Dead(&status);
    };
    if (ended < 0 && std::none_of(tasks_.begin(), tasks_.end(), lives)) break;
    if (Monotonic() > give_up) return absl::DeadlineExceededError("killed agents do not end");
    Yield(round);
  }
  tasks_.clear();
  return absl::OkStatus();
}

absl::Status KernelSystem::Reset() {
  if (absl::Status status = KillAll(); !status.ok()) return status;
  leftovers_.TakeAway(directory_);
  // What could not be removed (a mount whose path was renamed) must not be there for the next.
  while (leftovers_.made_names() && mkdir(directory_.c_str(), 0777) != 0) {
    if (errno == EEXIST) {
      directory_ = Cat(isolation_.directory, "/program", ++directories_);
      continue;
    }
    return absl::UnavailableError(Cat("cannot make '", directory_, "': ", std::strerror(errno)));
  }
  leftovers_.AllNamesGone();
  chmod(directory_.c_str(), 0777);  // whatever the umask is
  chown(directory_.c_str(), 0, 0);
  look_at_idle_ = false;
  trouble_ = absl::OkStatus();
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  start_ns_ = Monotonic() - 1;
  dialect_.wall_start = wall.tv_sec;
  if (absl::Status status = StartFirst(); !status.ok()) return status;
  return guesses_ ? Calibrate() : absl::OkStatus();
}

// Silence must be long beside what an answer takes here.
absl::Status KernelSystem::Calibrate() {
  constexpr int kTrips = 8;
  const int64_t start = Monotonic();
  for (int i = 0; i < kTrips; ++i) {
    if (absl::Status status = Ping(); !status.ok()) return status;
  }
  guess_ns_ = std::max(guess_ns_, 50 * (Monotonic() - start) / kTrips);
  return absl::OkStatus();
}

absl::Status KernelSystem::StartFirst() {
  Mailbox& box = memory_->slots[0];
  for (Mailbox& any : memory_->slots) any.state.store(Mailbox::kUnused);
  box.handlers_run.store(0);
  box.pid = 0;
  box.state.store(Mailbox::kStarting);
  const pid_t pid = fork();
  if (pid == 0) RunAgent(*memory_, 0, directory_, dialect_.max_descriptors);
  if (pid < 0) return absl::UnavailableError(Cat("cannot fork: ", std::strerror(errno)));
  tasks_[0] = Task{.slot = 0, .pid = pid, .watch = ProcWatch(pid)};
  const int64_t give_up = Monotonic() + kNoProgress;
  for (int round = 0; box.state.load(std::memory_order_acquire) != Mailbox::kAnswered; ++round) {
    if (Monotonic() > give_up) return absl::DeadlineExceededError("the first agent does not start");
    Yield(round);
  }
  return absl::OkStatus();
}

int64_t KernelSystem::Now() const { return Monotonic() - start_ns_; }

LoweringContext KernelSystem::ContextFor(int number) {
  return {.own_slot = tasks_.at(number).slot,
          .memory_path = kAgentMemory,
          .pid_of = [this](int64_t task) -> int64_t {
            const auto it = tasks_.find(static_cast<int>(task));
            return it == tasks_.end() ? -1 : it->second.pid;
          },
          .task_of = [this](int64_t pid) -> int64_t {
            // The latest that had the number: they are given again when they run out.
            for (auto it = tasks_.rbegin(); it != tasks_.rend(); ++it) {
              if (it->second.pid == pid) return it->first;
            }
            return -1;
          }};
}

int KernelSystem::FreeSlot() const {
  for (int slot = 0; slot < Mailboxes::kSlots; ++slot) {
    if (memory_->slots[slot].state.load() == Mailbox::kUnused) return slot;
  }
  return -1;
}

absl::Status KernelSystem::Submit(int number, int label, std::shared_ptr<const Call> call,
                                  std::vector<Event>& events) {
  IPCSPEC_CHECK(Idle(number), "the task is in a call");
  Task& task = tasks_.at(number);
  Mailbox& box = BoxOf(task);
  LoweringContext context = ContextFor(number);
  if (MakesTask(*call)) {
    context.child_slot = FreeSlot();
    if (context.child_slot < 0) {
      return absl::ResourceExhaustedError(Cat("more than ", Mailboxes::kSlots, " tasks"));
    }
    Mailbox& child = memory_->slots[context.child_slot];
    child.handlers_run.store(0);
    child.pid = 0;
    child.state.store(Mailbox::kStarting);
    tasks_[label] = Task{.slot = context.child_slot};
  }
  if (absl::Status status = Lower(*call, context, box); !status.ok()) return status;
  leftovers_.Note(*call, directory_);
  look_at_idle_ |= TouchesOthers(*call);
  events.push_back(
      {.kind = Event::Kind::kCall, .time_ns = Now(), .task = number, .label = label, .call = call});
  task.call = std::move(call);
  box.state.store(Mailbox::kCalled, std::memory_order_release);
  FutexWake(box.state);
  return absl::OkStatus();
}

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
      task.call = nullptr;
      LoweringContext context = ContextFor(number);
      Outcome outcome;
      if (MakesTask(*call)) {
        const int child = static_cast<int>(box.args[1]);
        // The child that this call was given, by its slot.
        int label = -1;
        for (auto& [other, t] : tasks_) {
          if (t.alive && t.pid < 0 && t.slot == child) label = other;
        }
        if (box.result < 0) {
          memory_->slots[child].state.store(Mailbox::kUnused);
          tasks_.erase(label);
          outcome = Fails(static_cast<int>(-box.result));
        } else {
          Task& made = tasks_.at(label);
          made.pid = static_cast<int>(box.result);
          made.watch = ProcWatch(made.pid);
          outcome = Returns(label);
        }
      } else {
        outcome = Decode(*call, context, box);
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
      if (look.state != ProcLook::kBlocked) return Quiet::kNo;
      // Asleep on its mailbox is where an idle task belongs, and one with a request does not.
      const bool on_mailbox =
          look.syscall == SYS_futex && look.argument == reinterpret_cast<int64_t>(&box.state);
      if (on_mailbox != (task.call == nullptr)) return Quiet::kNo;
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
      // What cannot sleep is slow (exec): its silence tells little. A child that has not come up yet
      // is not quiet, however long that takes: it would take a request for its start.
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

bool KernelSystem::Idle(int number) const {
  const auto it = tasks_.find(number);
  return it != tasks_.end() && it->second.alive && it->second.pid > 0 && it->second.call == nullptr;
}

bool KernelSystem::Alive(int number) const {
  const auto it = tasks_.find(number);
  return it != tasks_.end() && it->second.alive;
}

absl::Status KernelSystem::Ping() {
  Mailbox& box = memory_->slots[0];
  box.op = kPing;
  box.pointers = 0;
  box.state.store(Mailbox::kCalled, std::memory_order_release);
  FutexWake(box.state);
  for (int round = 0; box.state.load(std::memory_order_acquire) != Mailbox::kAnswered; ++round) {
    if (round > 20'000) return absl::DeadlineExceededError("no answer from the agent");
    Yield(round);
  }
  return absl::OkStatus();
}

}  // namespace ipcspec
