// The rules of msgget(2), msgop(2) and msgctl(2), on the reference alone: what it plays when
// nothing was seen, what it accepts and what it refuses when something was.
#include "impl/mechanism/sysv_msg.h"

#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
// After gtest.
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"

namespace ipcspec {
namespace {

constexpr int64_t kUser = 1000;

struct By {
  int task = 1;
  int64_t uid = 0;
  bool asleep = false;
  bool interrupted = false;
  int64_t invoked = -1;  // -1: now
};

// A namespace of queues; a second passes between calls.
struct Bench {
  Dialect dialect{.wall_start = 1'700'000'000};
  IpcLimits limits{.values = dialect.limits};
  SysvMsg msgs{dialect};
  int64_t now = 0;
  std::vector<Waiting> waiting;

  template <class C>
  Result Offer(SysvMsg& state, const C& call, Choice& choice, const By& by) {
    const auto others = [this] { return waiting; };
    const int64_t invoked = by.invoked < 0 ? now : by.invoked;
    return state.Step(call,
                      {.dialect = &dialect,
                       .task = by.task,
                       .process = by.task,
                       .creds = {.uid = by.uid, .gid = by.uid},
                       .limits = &limits,
                       .interrupted = by.interrupted,
                       .asleep = by.asleep,
                       .earliest = invoked,
                       .latest = now,
                       .invoked = invoked,
                       .waiting = others},
                      choice);
  }
  // What the reference does when nothing is known.
  template <class C>
  Outcome Do(const C& call, By by = {}) {
    now += 1'000'000'000;
    Choice usual(Choice::Mode::kUsual);
    const Result result = Offer(msgs, call, usual, by);
    EXPECT_TRUE(result.done()) << C::kName << " sleeps";
    return result.outcome;
  }
  template <class C>
  int Error(const C& call, By by = {}) {
    return Do(call, by).error;
  }
  // Whether the outcome is explained, now, in some hidden future; if `keep`, the state becomes
  // what the last such future implies.
  template <class C>
  bool Allows(const C& call, const Outcome& seen, By by = {}, bool keep = false) {
    Choice choice(&seen);
    bool allowed = false;
    const SysvMsg before = msgs;
    do {
      SysvMsg copy = before;
      const Result result = Offer(copy, call, choice, by);
      if (!result.done() || result.outcome != seen) continue;
      allowed = true;
      if (keep) msgs = copy;
    } while (choice.NextHidden());
    return allowed;
  }
  template <class C>
  bool MaySleep(const C& call, By by = {}) {
    SysvMsg copy = msgs;
    Choice sleepy(Choice::Mode::kSleepy);
    const bool asleep = Offer(copy, call, sleepy, by).kind == Result::kAsleep;
    EXPECT_TRUE(!asleep || copy == msgs) << "sleeping changes nothing";
    return asleep;
  }

  int64_t New(int64_t qbytes = 16384, int64_t mode = 0600) {
    const int64_t id = Do(Msgget{.flags = mode}).ret;
    Do(MsgSet{.id = id, .mode = mode, .qbytes = qbytes});
    return id;
  }
  int Send(int64_t id, int64_t type, std::string text, By by = {}) {
    return Error(Msgsnd{.id = id, .type = type, .data = std::move(text), .flags = IPC_NOWAIT}, by);
  }
};

Msgrcv Get(int64_t id, int64_t type = 0, int64_t flags = 0, int64_t size = 512) {
  return {.id = id, .size = size, .type = type, .flags = flags | IPC_NOWAIT};
}
Outcome Message(int64_t type, const std::string& text) {
  return {.ret = static_cast<int64_t>(text.size()), .data = text, .values = {type}};
}

TEST(SysvMsg, TheRightMessageIsTaken) {
  Bench b;
  const int64_t id = b.New();
  for (const auto& [type, text] : std::vector<std::pair<int64_t, std::string>>{
           {3, "c1"}, {1, "a1"}, {2, "b1"}, {1, "a2"}, {3, "c2"}, {INT64_MAX, "max"}}) {
    EXPECT_EQ(b.Send(id, type, text), 0);
  }
  EXPECT_TRUE(b.Allows(Get(id), Message(3, "c1")));
  EXPECT_FALSE(b.Allows(Get(id), Message(1, "a1")));
  EXPECT_EQ(b.Do(Get(id, 1)), Message(1, "a1"));
  EXPECT_EQ(b.Do(Get(id, 3, MSG_EXCEPT)), Message(2, "b1"));
  EXPECT_EQ(b.Do(Get(id, -2)), Message(1, "a2"));
  EXPECT_EQ(b.Error(Get(id, -2)), ENOMSG);
  EXPECT_EQ(b.Do(Get(id, 2, MSG_COPY)), Message(INT64_MAX, "max"));
  EXPECT_EQ(b.Do(Get(id, INT64_MIN)), Message(3, "c1"));
  EXPECT_EQ(b.Do(Get(id, -3)), Message(3, "c2"));
  EXPECT_EQ(b.Error(Get(id, -INT64_MAX + 1)), ENOMSG);
  EXPECT_EQ(b.Do(Get(id, INT64_MIN)), Message(INT64_MAX, "max"));
}

TEST(SysvMsg, LongTexts) {
  Bench b;
  const int64_t id = b.New();
  b.Send(id, 1, "1234");
  EXPECT_EQ(b.Error(Get(id, 0, 0, 3)), E2BIG);
  EXPECT_FALSE(b.Allows(Get(id, 0, 0, 3), Message(1, "123")));
  // Linux refuses to cut a copy; the documents let it.
  EXPECT_EQ(b.Error(Get(id, 0, MSG_COPY | MSG_NOERROR, 3)), EINVAL);
  EXPECT_TRUE(b.Allows(Get(id, 0, MSG_COPY | MSG_NOERROR, 3), Message(1, "123")));
  EXPECT_FALSE(b.Allows(Get(id, 0, MSG_COPY, 4), Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(Get(id, 0, MSG_COPY, 4), Fails(ENOSYS)));
  EXPECT_FALSE(b.Allows(Get(id), Fails(ENOSYS)));
  EXPECT_EQ(b.Do(Get(id, 0, MSG_NOERROR, 3)), Message(1, "123"));
  EXPECT_EQ(b.Do(MsgUsage{}).values, (Outcome{.values = {1, 0, 0}}.values));
}

TEST(SysvMsg, FullByBytesAndByCount) {
  Bench b;
  const int64_t id = b.New(4);
  EXPECT_EQ(b.Send(id, 1, "12345"), EAGAIN);
  EXPECT_EQ(b.Send(id, 1, "1234"), 0);
  EXPECT_EQ(b.Send(id, 1, "1"), EAGAIN);
  const Msgsnd send{.id = id, .data = "1"};
  EXPECT_TRUE(b.MaySleep(send));
  EXPECT_FALSE(b.Allows(send, Returns(0)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(b.Send(id, 1, ""), 0);
  EXPECT_EQ(b.Send(id, 1, ""), EAGAIN);
  b.Do(Get(id));
  EXPECT_FALSE(b.MaySleep(send)) << "a sender for whom there is room surely goes on";
  EXPECT_FALSE(b.Allows(send, Fails(EINTR)));
  EXPECT_TRUE(b.Allows(send, Fails(EINTR), {.asleep = true, .interrupted = true}));
}

TEST(SysvMsg, SleepEndsInOneOfThreeWays) {
  Bench b;
  const int64_t id = 977;
  ASSERT_TRUE(b.Allows(Msgget{}, Returns(id), {}, true));
  b.Do(MsgSet{.id = id, .mode = 0600, .qbytes = 1});
  b.Send(id, 1, "x");
  const Msgsnd send{.id = id, .data = "y"};
  const Msgrcv receive{.id = id, .type = 2};
  EXPECT_TRUE(b.MaySleep(send, {.asleep = true}));
  EXPECT_TRUE(b.MaySleep(receive, {.asleep = true}));
  EXPECT_EQ(b.Error(send, {.asleep = true, .interrupted = true}), EINTR);
  EXPECT_EQ(b.Error(receive, {.asleep = true, .interrupted = true}), EINTR);
  b.Do(MsgRemove{id});
  EXPECT_EQ(b.Error(send, {.asleep = true}), EIDRM);
  EXPECT_FALSE(b.Allows(receive, Fails(EINVAL), {.asleep = true}));
  EXPECT_TRUE(b.Allows(receive, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(receive, Fails(EIDRM)));
  EXPECT_FALSE(b.Allows(Msgrcv{.id = id + 1}, Fails(EIDRM))) << "never was";
}

TEST(SysvMsg, AModeChangedUnderASleeper) {
  Bench b;
  const int64_t id = b.New(16, 0606);
  const By sleeper{.task = 2, .uid = kUser, .asleep = true, .invoked = b.now};
  const Msgrcv receive{.id = id};
  b.Do(MsgSet{.id = id, .mode = 0600, .qbytes = 16});
  EXPECT_EQ(b.Error(receive, sleeper), EACCES) << "as on Linux";
  EXPECT_TRUE(b.MaySleep(receive, sleeper)) << "but nobody says so";
  b.Send(id, 1, "x");
  EXPECT_FALSE(b.MaySleep(receive, sleeper));
  EXPECT_TRUE(b.Allows(receive, Message(1, "x"), sleeper));
  EXPECT_FALSE(b.Allows(receive, Message(1, "x"), {.uid = kUser}));
  EXPECT_FALSE(b.Allows(receive, Fails(EACCES), {.asleep = true})) << "who may still read";
}

TEST(SysvMsg, BadBuffersLoseNothingOrTheMessage) {
  Bench b;
  const int64_t id = b.New();
  Msgrcv bad = Get(id);
  bad.memory = Memory::kBad;
  EXPECT_EQ(b.Error(bad), ENOMSG);
  EXPECT_TRUE(b.Allows(bad, Fails(EFAULT)));
  b.Send(id, 1, "1");
  b.Send(id, 2, "2");
  EXPECT_FALSE(b.Allows(bad, Message(1, "1")));
  EXPECT_TRUE(b.Allows(bad, Fails(EFAULT), {}, true));
  EXPECT_TRUE(b.Allows(Get(id), Message(1, "1"))) << "kept: the last of the hidden futures";
  EXPECT_EQ(b.Error(bad), EFAULT);
  EXPECT_EQ(b.Do(Get(id)), Message(2, "2")) << "lost, as on Linux";
}

TEST(SysvMsg, SeveralErrorsAtOnce) {
  Bench b;
  const int64_t id = b.New(4);
  b.Send(id, 1, "1234");
  const Msgsnd send{.id = id,
                    .type = 0,
                    .data = "5",
                    .flags = IPC_NOWAIT,
                    .size = Msgsnd::kAll,
                    .memory = Memory::kBad};
  for (const int error : {EINVAL, EFAULT, EACCES, EAGAIN}) {
    EXPECT_TRUE(b.Allows(send, Fails(error), {.uid = kUser})) << error;
  }
  EXPECT_FALSE(b.Allows(send, Fails(EIDRM), {.uid = kUser}));
  for (const int error : {EACCES, E2BIG}) {
    EXPECT_TRUE(b.Allows(Get(id, 0, 0, 1), Fails(error), {.uid = kUser})) << error;
  }
  EXPECT_FALSE(b.Allows(Get(id, 0, 0, 1), Fails(ENOMSG), {.uid = kUser}));
}

TEST(SysvMsg, LimitsOfTheNamespace) {
  Bench b;
  b.limits.Set(Limit::kMsgmni, 2);
  b.limits.Set(Limit::kMsgmnb, 7);
  b.limits.Set(Limit::kMsgmax, 3);
  const int64_t id = b.Do(Msgget{.key = 5, .flags = IPC_CREAT | 0600}).ret;
  EXPECT_EQ(b.Do(MsgStat{id}).values[8], 7);
  EXPECT_EQ(b.Error(Msgget{}), 0);
  EXPECT_EQ(b.Error(Msgget{}), ENOSPC);
  EXPECT_EQ(b.Error(Msgget{.key = 5}), 0);
  EXPECT_EQ(b.Send(id, 1, "1234"), EINVAL);
  EXPECT_EQ(b.Do(MsgLimits{}).values, (Outcome{.values = {3, 7, 2}}.values));
}

TEST(SysvMsg, QbytesAboveTheLimit) {
  Bench b;
  b.limits.Set(Limit::kMsgmnb, 7);
  const int64_t id = b.Do(Msgget{.flags = 0600}, {.uid = kUser}).ret;
  const auto set = [&](int64_t qbytes) {
    return MsgSet{.id = id, .uid = kUser, .gid = kUser, .mode = 0600, .qbytes = qbytes};
  };
  EXPECT_EQ(b.Error(set(8), {.uid = kUser}), EPERM);
  EXPECT_FALSE(b.Allows(set(8), Returns(0), {.uid = kUser}));
  EXPECT_EQ(b.Error(set(10)), 0) << "privileged";
  EXPECT_TRUE(b.Allows(set(9), Returns(0), {.uid = kUser})) << "no increase";
  EXPECT_EQ(b.Error(set(9), {.uid = kUser}), EPERM) << "as on Linux";
  EXPECT_EQ(b.Error(set(7), {.uid = kUser}), 0);
}

TEST(SysvMsg, StatTellsWhoAndWhen) {
  Bench b;
  const int64_t id = b.New(16384, 0640);
  b.Send(id, 1, "123", {.task = 4});
  b.Do(Get(id), {.task = 5});
  b.Send(id, 1, "12", {.task = 6});
  const Outcome stat = b.Do(MsgStat{id});
  EXPECT_EQ(stat.values, (Outcome{.values = {0, 0, 0, 0, 0, 0640, 1, 2, 16384, 6, 5, 1'700'000'005,
                                             1'700'000'004, 1'700'000'002}}
                              .values));
}

// Refusals and sleep change nothing, what is played is also accepted, equal states hash alike, and
// the counts are what the messages say.
RC_GTEST_PROP(SysvMsgProperty, ARandomWalkHoldsTogether, ()) {
  Bench b;
  const int64_t id = b.New(*rc::gen::inRange(0, 9));
  std::vector<std::pair<int64_t, std::string>> model;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    const SysvMsg before = b.msgs;
    const int64_t type = *rc::gen::inRange(-3, 4);
    if (*rc::gen::arbitrary<bool>()) {
      const std::string text(*rc::gen::inRange(0, 4), static_cast<char>('a' + i));
      const int error = b.Send(id, type, text);
      RC_ASSERT((error == EINVAL) == (type < 1));
      if (error == 0) model.push_back({type, text});
      RC_ASSERT(error == 0 || b.msgs == before);
      continue;
    }
    const Msgrcv get = Get(id, type, 0, *rc::gen::inRange(0, 4));
    const Outcome got = b.Do(get);
    auto best = model.end();
    for (auto it = model.begin(); it != model.end(); ++it) {
      const bool fits = type == 0 || it->first == type || (type < 0 && it->first <= -type);
      if (fits && (best == model.end() || (type < 0 && it->first < best->first))) best = it;
    }
    if (best == model.end()) {
      RC_ASSERT(got == Fails(ENOMSG));
    } else if (static_cast<int64_t>(best->second.size()) > get.size) {
      RC_ASSERT(got == Fails(E2BIG));
    } else {
      RC_ASSERT(got == Message(best->first, best->second));
      model.erase(best);
      RC_ASSERT(b.msgs != before);
    }
    const SysvMsg after = b.msgs;
    b.msgs = before;
    RC_ASSERT(b.Allows(get, got, {}, true));
    RC_ASSERT(b.msgs == after);
    RC_ASSERT(absl::HashOf(b.msgs) == absl::HashOf(after));
    int64_t bytes = 0;
    for (const auto& [of, text] : model) bytes += static_cast<int64_t>(text.size());
    const Outcome stat = b.Do(MsgStat{id});
    RC_ASSERT(stat.values[6] == static_cast<int64_t>(model.size()));
    RC_ASSERT(stat.values[7] == bytes);
  }
}

}  // namespace
}  // namespace ipcspec
