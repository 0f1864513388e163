// Bench: a namespace of semaphore sets on which the tests make calls one after the other.
//
// It plays the reference (nothing was seen), or asks it what it allows. Each task is its own
// process and uses its own list of adjustments, unless the test says otherwise. For tests only.
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_SEM_BENCH_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_SEM_BENCH_H_

#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "impl/mechanism/sysv_sem.h"

namespace ipcspec {

// A call that goes to this class.
template <class C>
concept SemCall = requires(SysvSem sems, const C& call, const Caller& caller, Choice& choice) {
  sems.Step(call, caller, choice);
};

inline constexpr int64_t kSecond = 1'000'000'000;
inline constexpr int64_t kUser = 1000;

// A second passes between calls.
struct Bench {
  Dialect dialect{.wall_start = 1'700'000'000};
  SysvSem sems{dialect};
  IpcLimits limits{.values = dialect.limits};
  int64_t now = 0;
  std::vector<Waiting> waiting;

  struct By {
    int task = 1;
    int64_t uid = 0;
    int list = -1;         // -1: the task's own
    int64_t invoked = -1;  // -1: now
    bool asleep = false;
    bool interrupted = false;
  };

  template <class F>
  auto With(const By& by, F f) {
    const auto others = [this] { return waiting; };
    const Caller caller{.dialect = &dialect,
                        .task = by.task,
                        .process = by.task,
                        .creds = {.uid = by.uid, .gid = by.uid},
                        .undo_list = by.list < 0 ? by.task : by.list,
                        .limits = &limits,
                        .interrupted = by.interrupted,
                        .asleep = by.asleep,
                        .earliest = by.invoked < 0 ? now : by.invoked,
                        .latest = now,
                        .invoked = by.invoked < 0 ? now : by.invoked,
                        .waiting = others};
    return f(caller);
  }

  // What the reference does when nothing is known.
  template <class C>
  Result Play(const C& call, By by = {}) {
    now += kSecond;
    Choice usual(Choice::Mode::kUsual);
    return With(by, [&](const Caller& c) { return sems.Step(call, c, usual); });
  }
  template <class C>
  int64_t Ret(const C& call, By by = {}) {
    const Result result = Play(call, by);
    EXPECT_TRUE(result.done());
    EXPECT_EQ(result.outcome.error, 0) << C::kName;
    return result.outcome.ret;
  }
  template <class C>
  int Error(const C& call, By by = {}) {
    const Result result = Play(call, by);
    EXPECT_TRUE(result.done());
    return result.outcome.error;
  }
  // Whether the outcome is explained, now; if `keep`, the state becomes what it implies.
  template <class C>
  bool Allows(const C& call, const Outcome& seen, By by = {}, bool keep = false) {
    SysvSem copy = sems;
    Choice choice(&seen);
    const Result result = With(by, [&](const Caller& c) { return copy.Step(call, c, choice); });
    if (!result.done() || result.outcome != seen) return false;
    if (keep) sems = copy;
    return true;
  }
  template <class C>
  bool MaySleep(const C& call, By by = {}) {
    SysvSem copy = sems;
    Choice sleepy(Choice::Mode::kSleepy);
    const Result result = With(by, [&](const Caller& c) { return copy.Step(call, c, sleepy); });
    if (result.kind == Result::kAsleep) {
      EXPECT_EQ(copy, sems) << "sleeping changes nothing";
    }
    return result.kind == Result::kAsleep;
  }
  void Exit(int list, int task = 1) {
    now += kSecond;
    With({.task = task}, [&](const Caller& c) { sems.OnLastExit(list, c); });
  }

  int64_t NewSet(int64_t nsems, int64_t flags = 0600, int64_t uid = 0) {
    return Ret(Semget{.nsems = nsems, .flags = flags}, {.uid = uid});
  }
  int64_t Value(int64_t id, int64_t num = 0) { return Ret(SemGetVal{id, num}); }
  std::vector<int64_t> Values(int64_t id) {
    const Result result = Play(SemGetAll{id});
    return {result.outcome.values.begin(), result.outcome.values.end()};
  }
  std::vector<int64_t> Stat(int64_t id) {
    const Result result = Play(SemStat{id});
    return {result.outcome.values.begin(), result.outcome.values.end()};
  }
};

using By = Bench::By;
using Numbers = std::vector<int64_t>;

inline Semop Do(int64_t id, std::vector<Sembuf> ops, int64_t timeout = Nanos::kForever) {
  return {.id = id, .ops = std::move(ops), .timeout = timeout};
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_SEM_BENCH_H_
