// The short stress run against a kernel with a fault: a shim between the agents and the kernel
// swaps two messages, or loses a wake-up, once in a while. Each must be found, and the same run
// with a shim that does nothing must find nothing.
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "platforms/kernel/agent_script.h"
#include "platforms/kernel/kernel_test.h"
#include "platforms/kernel/posix_sem_agent.h"
#include "platforms/kernel/raw_syscall.h"
#include "platforms/kernel/shared.h"
#include "stress/life.h"

namespace ipcspec {
namespace {

// What the agents' shims share.
struct Faults {
  std::atomic<int> turns;  // until the fault
  std::atomic<int> held;   // whether there is a message held back: 0 no, 1 just being held, 2 yes
  int64_t result;
  char message[4096];
};
const Shared<Faults> shared;

// Every so many chances.
constexpr int kEvery = 5;
bool ItIsTime() { return shared->turns.fetch_add(1) % kEvery == kEvery - 1; }

// As one that sleeps and is forgotten.
[[noreturn]] void SleepForEver() {
  while (true) RawSyscall(SYS_pause);
}

int64_t DoNothing(const Prepared& request, char* buffer, PerformCall perform) {
  return perform(request, buffer);
}

// Of two messages that come one after the other, the first goes to whoever asks next.
int64_t SwapMessages(const Prepared& request, char* buffer, PerformCall perform) {
  const bool sysv = request.op == SYS_msgrcv;
  if (!sysv && request.op != SYS_mq_timedreceive) return perform(request, buffer);
  char* const at = buffer + request.args[1];
  const size_t type = sysv ? sizeof(long) : 0;  // before the text
  int two = 2;
  if (shared->held.compare_exchange_strong(two, 0)) {
    std::memcpy(at, shared->message, type + static_cast<size_t>(shared->result));
    return shared->result;
  }
  const int64_t first = perform(request, buffer);
  if (first < 0 || !ItIsTime()) return first;
  int none = 0;
  if (!shared->held.compare_exchange_strong(none, 1)) return first;
  shared->result = first;
  std::memcpy(shared->message, at, type + static_cast<size_t>(first));
  Prepared again = request;
  if (sysv) again.args[4] |= IPC_NOWAIT;
  timespec past = {};
  if (!sysv) again.args[4] = reinterpret_cast<int64_t>(&past), again.pointers &= ~(1U << 4);
  again.deadline = -1;
  const int64_t second = perform(again, buffer);
  if (second < 0) {  // there was only one
    std::memcpy(at, shared->message, type + static_cast<size_t>(first));
    shared->held.store(0);
    return first;
  }
  shared->held.store(2);
  return second;
}

// A task that has to sleep sleeps where no wake-up comes.
int64_t ForgetSleeper(const Prepared& request, char* buffer, PerformCall perform) {
  Prepared asks = request;
  bool waits = false;
  if (request.op == SYS_msgrcv) {
    waits = (request.args[4] & IPC_NOWAIT) == 0;
    asks.args[4] |= IPC_NOWAIT;
  } else if (request.op == SYS_msgsnd) {
    waits = (request.args[3] & IPC_NOWAIT) == 0;
    asks.args[3] |= IPC_NOWAIT;
  }
  if (!waits) return perform(request, buffer);
  const int64_t result = perform(asks, buffer);
  if (result != -EAGAIN && result != -ENOMSG) return result;
  if (ItIsTime()) SleepForEver();
  return perform(request, buffer);
}

// sem_post() of glibc without its FUTEX_WAKE: the value is the first word.
int64_t PostWithoutWaking(const Prepared& request, char* buffer, PerformCall perform) {
  if (request.op != kPsemPost || !ItIsTime()) return perform(request, buffer);
  reinterpret_cast<std::atomic<uint32_t>*>(request.args[0])->fetch_add(1);
  return 0;
}

using Shim = int64_t (*)(const Prepared& request, char* buffer, PerformCall perform);

// Lives all workloads whose name holds one of the texts, until one is not explained: the story.
std::string FirstStory(Shim shim, std::string_view mechanism, int most_lives) {
  call_shim = shim;
  shared->turns = 0, shared->held = 0;
  const std::unique_ptr<KernelSystem> system = NewKernelSystem();
  if (system == nullptr) return "";
  int explained = 0;
  for (int life = 0; life < most_lives; ++life) {
    for (const Workload& workload : AllWorkloads()) {
      if (workload.mechanism != mechanism) continue;
      const Life lived = Live(*system, workload, static_cast<uint64_t>(life) + 1);
      EXPECT_TRUE(lived.status.ok()) << lived.status;
      if (!lived.status.ok()) return "";
      if (lived.verdict == Verdict::kForbidden) {
        std::string story;
        EXPECT_EQ(ExplainHistory(lived.counterexample, &story), Verdict::kForbidden);
        EXPECT_LE(CallsIn(lived.counterexample, *lived.counterexample.race_begin), 12)
            << lived.story;
        return lived.story;
      }
      shared->held = 0;  // what a life that ended early left
      explained += lived.verdict == Verdict::kAllowed;
    }
  }
  EXPECT_GT(explained, 0);
  return "";
}

constexpr int kFewLives = 4, kManyLives = 100;

TEST(ShimTest, ShimThatDoesNothing) {
  for (const char* mechanism : {"sysv_msg", "posix_mq", "posix_sem"}) {
    EXPECT_EQ(FirstStory(DoNothing, mechanism, kFewLives), "");
  }
}

TEST(ShimTest, SwappedMessages) {
  EXPECT_NE(FirstStory(SwapMessages, "sysv_msg", kManyLives), "");
  EXPECT_NE(FirstStory(SwapMessages, "posix_mq", kManyLives), "");
}

TEST(ShimTest, LostWakeUps) {
  EXPECT_NE(FirstStory(ForgetSleeper, "sysv_msg", kManyLives), "");
  EXPECT_NE(FirstStory(PostWithoutWaking, "posix_sem", kManyLives), "");
}

}  // namespace
}  // namespace ipcspec
