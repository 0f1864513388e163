// PipeBench: one pipe on which the tests make calls one after the other.
//
// It plays the reference (nothing was seen), asks it what it allows, or whether a call may sleep.
// Each task has its own progress. For tests only.
#ifndef IPCSPEC_IMPL_MECHANISM_PIPE_BENCH_H_
#define IPCSPEC_IMPL_MECHANISM_PIPE_BENCH_H_

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "impl/call/bytes.h"
#include "impl/mechanism/pipe.h"

namespace ipcspec {

inline constexpr int64_t kPageBytes = 4096;

struct PipeBench {
  Dialect dialect;
  Pipe pipe{dialect};
  std::map<int, Progress> progress;  // by task

  struct By {
    int task = 1;
    int64_t uid = 0;
    bool nonblock = false;
    bool packets = false;
    bool interrupted = false;
    int64_t level = -1;  // Choice::flow_target
  };

  // Both ends are open, as pipe(2) leaves them.
  PipeBench() {
    pipe.OpenReader();
    pipe.OpenWriter();
  }

  // f(pipe, caller) with the caller that `by` describes.
  template <class F>
  Result With(Pipe& on, Progress& at, const By& by, F f) {
    const auto nobody = [] { return std::vector<Waiting>(); };
    const Caller caller{.dialect = &dialect,
                        .task = by.task,
                        .process = by.task,
                        .creds = {.uid = by.uid, .gid = by.uid},
                        .progress = &at,
                        .interrupted = by.interrupted,
                        .waiting = nobody};
    return f(on, caller);
  }
  // One step of a call, as `choice` decides; the pipe moves.
  template <class F>
  Result Step(Choice choice, const By& by, F call) {
    choice.flow_target = by.level;
    const Result result = With(pipe, progress[by.task], by,
                               [&](Pipe& p, const Caller& c) { return call(p, c, choice); });
    if (result.done()) progress[by.task] = Progress();
    return result;
  }
  template <class F>
  Result Play(F call, const By& by = {}) {
    return Step(Choice(Choice::Mode::kUsual), by, call);
  }
  // Whether some future that the documents leave open gives `seen`; the pipe moves to the first.
  template <class F>
  bool Allows(F call, const Outcome& seen, const By& by = {}) {
    Choice choice(&seen);
    choice.flow_target = by.level;
    do {
      Pipe copy = pipe;
      Progress at = progress[by.task];
      const Result result =
          With(copy, at, by, [&](Pipe& p, const Caller& c) { return call(p, c, choice); });
      if (!result.done() || result.outcome != seen) continue;
      pipe = std::move(copy);
      progress[by.task] = Progress();
      return true;
    } while (choice.NextHidden());
    return false;
  }
  // Whether the call may stay asleep now.
  template <class F>
  bool MaySleep(F call, const By& by = {}) {
    Pipe copy = pipe;
    Progress at = progress[by.task];
    Choice sleepy(Choice::Mode::kSleepy);
    const Result result =
        With(copy, at, by, [&](Pipe& p, const Caller& c) { return call(p, c, sleepy); });
    if (result.kind != Result::kAsleep) return false;
    EXPECT_EQ(copy, pipe) << "sleeping changes nothing";
    return true;
  }

  int64_t Bytes() { return pipe.bytes(); }
};

using By = PipeBench::By;

// Calls, as the bench takes them.
inline auto Reads(int64_t count, const By& by = {}) {
  return [=](Pipe& p, const Caller& c, Choice& choice) {
    return p.Read(count, by.nonblock, c, choice);
  };
}
inline auto Writes(std::string data, const By& by = {}) {
  return [=](Pipe& p, const Caller& c, Choice& choice) {
    return p.Write(data, by.nonblock, by.packets, c, choice);
  };
}
inline auto SetsSize(int64_t size) {
  return [=](Pipe& p, const Caller& c, Choice& choice) { return p.SetSize(size, c, choice); };
}
inline auto OpensFifo(bool reads, bool writes, bool nonblock) {
  return [=](Pipe& p, const Caller& c, Choice& choice) {
    return p.OpenFifo(reads, writes, nonblock, c, choice);
  };
}

inline Outcome Gives(std::string data) {
  Outcome outcome = Returns(static_cast<int64_t>(data.size()));
  outcome.data = std::move(data);
  return outcome;
}

// A fixture that plays calls that do not sleep.
class PipeReference : public ::testing::Test {
 protected:
  static constexpr By kNow{.nonblock = true};
  static constexpr By kHandled{.interrupted = true};
  static constexpr By kPacket{.nonblock = true, .packets = true};

  int64_t Write(std::string data, By by = kNow) {
    const Result result = b.Play(Writes(std::move(data), by), by);
    EXPECT_TRUE(result.done());
    return result.outcome.ok() ? result.outcome.ret : -result.outcome.error;
  }
  std::string Read(int64_t count, By by = kNow) {
    const Result result = b.Play(Reads(count, by), by);
    EXPECT_TRUE(result.done());
    EXPECT_EQ(result.outcome.error, 0);
    EXPECT_EQ(result.outcome.ret, static_cast<int64_t>(result.outcome.data.size()));
    return result.outcome.data;
  }
  void SetSize(int64_t pages) {
    ASSERT_EQ(b.Play(SetsSize(pages * kPageBytes)).outcome.ret, pages * kPageBytes);
  }
  Ready PollRead(int64_t mark = -1) { return b.pipe.Poll(true, false, POLLIN, mark); }
  Ready PollWrite() { return b.pipe.Poll(false, true, POLLOUT, -1); }

  PipeBench b;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_PIPE_BENCH_H_
