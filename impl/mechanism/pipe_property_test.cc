// Properties of the pipe reference: a random walk of writers and readers against a plain model of a
// byte stream and of packets. What is played is also accepted when it is judged; refusals and sleep
// change nothing; the capacity holds.
#include <gtest/gtest.h>
// After gtest.
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "impl/call/bytes.h"
#include "impl/mechanism/pipe.h"
#include "impl/mechanism/pipe_bench.h"

namespace ipcspec {
namespace {

constexpr int64_t kPipeBuf = Pipe::kPipeBuf;

struct Action {
  enum Kind { kWrite, kGoOn, kRead, kResize };
  Kind kind = kRead;
  int writer = 0;
  int64_t size = 0;
  bool nonblock = false;
};

void showValue(const Action& a, std::ostream& os) {
  os << "{" << a.kind << " by " << a.writer << ", " << a.size << (a.nonblock ? ", now}" : "}");
}

rc::Gen<int64_t> AnySize() {
  return rc::gen::oneOf(rc::gen::inRange<int64_t>(0, 10), rc::gen::inRange<int64_t>(4090, 4100),
                        rc::gen::inRange<int64_t>(0, 40000));
}

rc::Gen<std::vector<Action>> AnyActions() {
  return rc::gen::container<std::vector<Action>>(
      rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 8), rc::gen::inRange(0, 2), AnySize(),
                                  rc::gen::arbitrary<bool>()),
                   [](const std::tuple<int, int, int64_t, bool>& t) {
                     const auto& [kind, writer, size, nonblock] = t;
                     return Action{.kind = kind < 3   ? Action::kWrite
                                           : kind < 5 ? Action::kGoOn
                                           : kind < 7 ? Action::kRead
                                                      : Action::kResize,
                                   .writer = writer,
                                   .size = size,
                                   .nonblock = nonblock};
                   }));
}

// What a pipe means, without pages: what is in it, and how far each write has come.
struct Model {
  std::string stream;
  std::deque<std::string> packets;  // instead, in packet mode
  struct Pending {
    std::string data;
    int64_t done = 0;
  };
  std::array<Pending, 2> pending;

  void Put(const std::string& data, bool as_packets) {
    if (!as_packets) {
      stream += data;
      return;
    }
    for (size_t at = 0; at < data.size(); at += kPipeBuf) {
      packets.push_back(data.substr(at, kPipeBuf));
    }
  }
  std::string Take(int64_t count, bool as_packets) {
    if (!as_packets) {
      const std::string taken = stream.substr(0, count);
      stream.erase(0, count);
      return taken;
    }
    if (packets.empty() || count == 0) return "";
    const std::string taken = packets.front().substr(0, count);
    packets.pop_front();
    return taken;
  }
  int64_t size() const {
    int64_t n = static_cast<int64_t>(stream.size());
    for (const std::string& p : packets) n += static_cast<int64_t>(p.size());
    return n;
  }
};

void Walk(const std::vector<Action>& actions, bool packets) {
  PipeBench b;
  Model model;
  std::array<int64_t, 2> written = {0, 0};
  for (const Action& a : actions) {
    const int task = a.writer + 1;
    Model::Pending& mine = model.pending[a.writer];
    const By by{.task = task, .nonblock = a.nonblock, .packets = packets};
    const PipeBench before = b;
    const int64_t bytes = b.Bytes();
    if (a.kind == Action::kWrite || a.kind == Action::kGoOn) {
      By how = by;
      if (mine.data.empty()) {
        if (a.kind == Action::kGoOn || a.size == 0) continue;
        mine = {.data = Pattern(a.writer == 0 ? 'A' : 'B', written[a.writer], a.size)};
      } else {
        how.nonblock = false;
      }
      const auto write = Writes(mine.data, how);
      const Result result = b.Play(write, how);
      const int64_t moved = b.Bytes() - bytes;
      model.Put(mine.data.substr(mine.done, moved), packets);
      mine.done += moved;
      if (result.kind == Result::kMoved) {
        RC_ASSERT(moved > 0);
        RC_ASSERT(static_cast<int64_t>(mine.data.size()) > kPipeBuf);
        continue;
      }
      if (result.kind == Result::kAsleep) {
        RC_ASSERT(b.pipe == before.pipe);
        RC_ASSERT(!how.nonblock);
        continue;
      }
      if (result.outcome.ok()) {
        RC_ASSERT(result.outcome.ret == mine.done);
        if (!how.nonblock || a.size <= kPipeBuf) {
          RC_ASSERT(mine.done == static_cast<int64_t>(mine.data.size()));
        }
        RC_ASSERT(moved > 0);
      } else {
        RC_ASSERT(result.outcome.error == EAGAIN);
        RC_ASSERT(b.pipe == before.pipe);
      }
      PipeBench judge = before;
      RC_ASSERT(judge.Allows(write, result.outcome, how));
      RC_ASSERT(judge.Bytes() == b.Bytes());
      written[a.writer] += mine.done;
      mine = {};
    } else if (a.kind == Action::kRead) {
      const By reader{.task = 9, .nonblock = true};
      const Result result = b.Play(Reads(a.size, reader), reader);
      RC_ASSERT(result.done());
      PipeBench judge = before;
      RC_ASSERT(judge.Allows(Reads(a.size, reader), result.outcome, reader));
      RC_ASSERT(judge.pipe == b.pipe);
      if (result.outcome.ok()) {
        RC_ASSERT(result.outcome.data == model.Take(a.size, packets));
      } else {
        RC_ASSERT(model.size() == 0);
        RC_ASSERT(b.pipe == before.pipe);
      }
    } else {
      const Result result = b.Play(SetsSize(a.size), {.task = 9});
      Choice choice(Choice::Mode::kUsual);
      const int64_t capacity = b.pipe.GetSize(choice).outcome.ret;
      if (result.outcome.ok()) {
        RC_ASSERT(capacity == result.outcome.ret);
        RC_ASSERT(capacity >= std::max(a.size, kPageBytes));
      } else {
        RC_ASSERT(result.outcome.error == EBUSY);
        RC_ASSERT(b.pipe == before.pipe);
      }
    }
    Choice choice(Choice::Mode::kUsual);
    RC_ASSERT(b.Bytes() <= b.pipe.GetSize(choice).outcome.ret);
    RC_ASSERT(b.Bytes() == model.size());
  }
}

RC_GTEST_PROP(PipeProperty, ReadsGiveBackInOrderWhatWasWritten, ()) { Walk(*AnyActions(), false); }

RC_GTEST_PROP(PipeProperty, ReadsGivePacketsBackOneByOne, ()) { Walk(*AnyActions(), true); }

// Where the documents leave both open, judging takes either; where it must go on, neither EAGAIN
// nor sleep is allowed.
RC_GTEST_PROP(PipeProperty, AWriteThatMayNotSleepIsNotRefusedEither, ()) {
  PipeBench b;
  for (const int64_t size : *rc::gen::container<std::vector<int64_t>>(AnySize())) {
    if (size == 0) continue;
    constexpr By kNow{.nonblock = true};
    const std::string data(size, 'x');
    PipeBench judge = b;
    RC_ASSERT(judge.MaySleep(Writes(data)) ==
              judge.Allows(Writes(data, kNow), Fails(EAGAIN), kNow));
    const By by{.task = 2, .nonblock = true};
    if (*rc::gen::arbitrary<bool>()) {
      (void)b.Play(Writes(data, kNow), by);
    } else {
      (void)b.Play(Reads(size, by), by);
    }
  }
}

// However much of a large write went in, and whenever: what comes out is what was written.
RC_GTEST_PROP(PipeProperty, ALargeWriteInAnyPartsComesOutWhole, ()) {
  const bool packets = *rc::gen::arbitrary<bool>();
  const std::string data = Pattern('A', 0, *rc::gen::inRange<int64_t>(kPipeBuf + 1, 200000));
  // How full the pipe shall be, and how much is read then; at last as much as goes.
  auto steps = *rc::gen::container<std::vector<std::pair<int64_t, int64_t>>>(
      rc::gen::pair(rc::gen::inRange<int64_t>(0, 70000), rc::gen::inRange<int64_t>(1, 20000)));
  std::reverse(steps.begin(), steps.end());
  const By writer{.task = 1, .packets = packets};
  PipeBench b;
  std::string got;
  bool done = false;
  while (!done || b.Bytes() > 0) {
    std::pair<int64_t, int64_t> now = {int64_t{1} << 40, 70000};
    if (!steps.empty()) {
      now = steps.back();
      steps.pop_back();
    }
    By step = writer;
    step.level = now.first;
    const Result part = done ? Sleep() : b.Step(Choice(nullptr), step, Writes(data, step));
    if (part.done()) {
      RC_ASSERT(part.outcome == Returns(static_cast<int64_t>(data.size())));
      done = true;
    }
    Choice choice(Choice::Mode::kUsual);
    RC_ASSERT(b.Bytes() <= b.pipe.GetSize(choice).outcome.ret);
    if (b.Bytes() == 0) continue;
    const int64_t count = packets ? kPipeBuf : now.second;
    const std::string piece = b.Play(Reads(count), {.task = 2}).outcome.data;
    if (packets && got.size() + piece.size() < data.size()) {
      RC_ASSERT(static_cast<int64_t>(piece.size()) == kPipeBuf);
    }
    got += piece;
  }
  RC_ASSERT(got == data);
}

}  // namespace
}  // namespace ipcspec
