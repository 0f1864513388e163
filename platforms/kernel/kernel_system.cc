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
#include <optional>
#include <utility>

#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "platforms/kernel/agent.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

// Whether the call can do something to tasks other than by what they wait for: a handler may run
// in an idle task, or it may end.
bool TouchesOthers(const Call& call) {
  return std::holds_alternative<Kill>(call) || std::holds_alternative<Exit>(call) ||
         std::holds_alternative<MqSend>(call);  // mq_notify(3)
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
  system->nursery_ = std::make_unique<Nursery>(*system->memory_);
  if (absl::Status status = system->nursery_->Start(dialect.max_descriptors); !status.ok()) {
    return status;
  }
  return system;
}

KernelSystem::KernelSystem(const Isolation& isolation, const Dialect& dialect)
    : isolation_(isolation), dialect_(dialect), leftovers_(isolation, dialect_) {}

KernelSystem::~KernelSystem() {
  if (memory_ == nullptr) return;
  KillAll().IgnoreError();
  leftovers_.TakeAway(directory_);
  nursery_ = nullptr;
  munmap(memory_, sizeof(Mailboxes));
  unlink(memory_path_.c_str());
  unlink(image_path_.c_str());
}

absl::Status KernelSystem::KillAll() {
  const int64_t give_up = Monotonic() + kNoProgress;
  for (int round = 0;; ++round) {
    for (auto& [number, task] : tasks_) {
      // A child whose fork has not returned is known by its mailbox only, and that once it runs.
      // Never a number below 1: that would mean many processes.
      const int pid = task.pid > 0 ? task.pid : BoxOf(task).pid;
      if (!task.alive || task.doomed || pid <= 0) continue;
      kill(pid, SIGKILL);
      task.doomed = true;
    }
    const pid_t ended = waitpid(0, nullptr, WNOHANG);  // not the nursery
    if (ended > 0 || (ended < 0 && errno == EINTR)) continue;
    // There is none left; but orphans may have gone to another parent, who waits for them or not.
    int status = 0;
    const auto lives = [&](auto& entry) {
      return entry.second.alive && entry.second.pid > 0 && !entry.second.watch.Dead(&status);
    };
    if (ended < 0 && std::none_of(tasks_.begin(), tasks_.end(), lives)) break;
    if (Monotonic() > give_up) return absl::DeadlineExceededError("killed agents do not end");
    Yield(std::min(round, 4));  // nothing tells that one has ended, and each life waits here
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
  // A program may have given it away; where this run is no user 0, none could.
  [[maybe_unused]] const int given_back = chown(directory_.c_str(), 0, 0);
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
  nursery_->Order(directory_);
  const int64_t give_up = Monotonic() + kNoProgress;
  const auto started = [&] {
    const std::optional<int64_t> born = nursery_->Born();
    return born && (*born < 0 || box.state.load(std::memory_order_acquire) == Mailbox::kAnswered);
  };
  for (int round = 0; !started(); ++round) {
    if (Monotonic() > give_up) return absl::DeadlineExceededError("the first agent does not start");
    Yield(round);
  }
  const int pid = static_cast<int>(*nursery_->Born());
  if (pid < 0) return absl::UnavailableError(Cat("cannot fork: ", std::strerror(-pid)));
  tasks_[0] = Task{.slot = 0, .pid = pid, .watch = ProcWatch(pid)};
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
  Request request(box.request, box.buffer.data(), Mailbox::kBufferSize);
  if (absl::Status status = Lower(*call, context, request); !status.ok()) return status;
  leftovers_.Note(*call, directory_);
  look_at_idle_ |= TouchesOthers(*call);
  events.push_back(
      {.kind = Event::Kind::kCall, .time_ns = Now(), .task = number, .label = label, .call = call});
  task.call = std::move(call);
  box.state.store(Mailbox::kCalled, std::memory_order_release);
  FutexWake(box.state);
  return absl::OkStatus();
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
  box.request.op = kPing;
  box.request.pointers = 0;
  box.request.deadline = -1;
  box.state.store(Mailbox::kCalled, std::memory_order_release);
  FutexWake(box.state);
  for (int round = 0; box.state.load(std::memory_order_acquire) != Mailbox::kAnswered; ++round) {
    if (round > 20'000) return absl::DeadlineExceededError("no answer from the agent");
    Yield(round);
  }
  return absl::OkStatus();
}

}  // namespace ipcspec
