// The rules of POSIX message queues, on the reference alone: what it plays when nothing was seen,
// what it accepts and what it refuses when something was.
#include "impl/mechanism/posix_mq.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ipcspec {
namespace {

constexpr int64_t kUser = 1000;
constexpr int64_t kSecond = 1'000'000'000;

// Queues, and someone who makes calls on them at some time.
struct Bench {
  Dialect dialect;
  PosixMq mq{dialect};
  IpcLimits limits{.values = dialect.limits};
  PosixMq::Room room{.descriptor = true, .umask = 022, .charged = {}, .max_bytes = 819200};
  Credentials creds;
  int64_t now = 5 * kSecond;      // the call takes effect
  int64_t invoked = 4 * kSecond;  // it was made
  bool asleep = false;
  bool interrupted = false;

  template <class Body>
  Result With(Body body) {
    Progress progress;
    auto nobody = [] { return std::vector<Waiting>(); };
    const Caller caller{.dialect = &dialect,
                        .task = 1,
                        .process = 1,
                        .creds = creds,
                        .progress = &progress,
                        .limits = &limits,
                        .interrupted = interrupted,
                        .asleep = asleep,
                        .earliest = invoked,
                        .latest = now,
                        .invoked = invoked,
                        .waiting = nobody};
    return body(caller);
  }
  Result Try(const MqOpen& call, Choice choice, int* queue) {
    room.charged = mq.ChargedTo(creds.uid);
    return With([&](const Caller& c) { return mq.Open(call, room, c, choice, queue); });
  }
  Result Try(const MqUnlink& call, Choice choice) {
    return With([&](const Caller& c) { return mq.Unlink(call, c, choice); });
  }
  Result Try(const MqSend& call, Choice choice, bool nonblocking = false) {
    const int queue = static_cast<int>(call.fd.value);
    return With([&](const Caller& c) { return mq.Send(queue, nonblocking, call, c, choice); });
  }
  Result Try(const MqReceive& call, Choice choice, bool nonblocking = false) {
    const int queue = static_cast<int>(call.fd.value);
    return With([&](const Caller& c) { return mq.Receive(queue, nonblocking, call, c, choice); });
  }
  Result Try(const MqNotify& call, Choice choice) {
    const int queue = static_cast<int>(call.fd.value);
    return With([&](const Caller& c) { return mq.Register(queue, call, c, choice); });
  }

  // What is played; queues are named by their number in place of a descriptor.
  template <class C>
  Result Play(const C& call) {
    return Try(call, Choice(Choice::Mode::kUsual));
  }
  int Open(const MqOpen& call) {
    int queue = -1;
    const Result result = Try(call, Choice(Choice::Mode::kUsual), &queue);
    return result.outcome.ok() ? queue : -result.outcome.error;
  }
  int Make(int64_t maxmsg, int64_t msgsize, const std::string& name = "/q") {
    return Open({.name = name,
                 .flags = O_CREAT | O_RDWR,
                 .mode = 0666,
                 .maxmsg = maxmsg,
                 .msgsize = msgsize});
  }
  // Whether the outcome may be seen; nothing changes.
  bool Allows(const MqOpen& call, const Outcome& seen) {
    Bench copy = *this;
    int queue = -1;
    return copy.Try(call, Choice(&seen), &queue).outcome == seen;
  }
  template <class C>
  bool Allows(const C& call, const Outcome& seen) {
    Bench copy = *this;
    const Result result = copy.Try(call, Choice(&seen));
    return result.done() && result.outcome == seen;
  }
};

MqOpen Named(std::string name) { return {.name = std::move(name), .flags = O_CREAT | O_RDWR}; }

TEST(PosixMq, Names) {
  Bench b;
  EXPECT_FALSE(b.Allows(Named("/."), Returns(0)));
  EXPECT_FALSE(b.Allows(Named("/q"), Fails(EACCES)));
  EXPECT_FALSE(b.Allows(Named("q"), Returns(0)));
  EXPECT_TRUE(b.Allows(Named("/a/b"), Fails(EACCES)));
  EXPECT_FALSE(b.Allows(Named("/a/b"), Returns(0)));
  EXPECT_TRUE(b.Allows(Named("/."), Fails(EACCES)));
  EXPECT_FALSE(b.Allows(Named("/."), Returns(0)));
  // mq_overview(7) counts the slash in, Linux does not.
  EXPECT_FALSE(b.Allows(Named("/" + std::string(254, 'n')), Fails(ENAMETOOLONG)));
  EXPECT_TRUE(b.Allows(Named("/" + std::string(255, 'n')), Fails(ENAMETOOLONG)));
  EXPECT_TRUE(b.Allows(Named("/" + std::string(255, 'n')), Returns(0)));
  EXPECT_FALSE(b.Allows(Named("/" + std::string(256, 'n')), Returns(0)));
}

TEST(PosixMq, Permissions) {
  Bench b;
  b.creds = {.uid = kUser, .gid = kUser};
  const int q = b.Make(1, 1);
  EXPECT_EQ(b.mq.Find(q)->mode, 0644);
  b.creds = {.uid = kUser + 1, .gid = kUser + 1};
  EXPECT_EQ(b.Open({.name = "/q", .flags = O_RDONLY}), q);
  EXPECT_EQ(b.Open({.name = "/q", .flags = O_WRONLY}), -EACCES);
  EXPECT_TRUE(b.Allows(MqUnlink{"/q"}, Fails(EPERM)));
  EXPECT_TRUE(b.Allows(MqUnlink{"/q"}, Fails(EACCES)));
  EXPECT_FALSE(b.Allows(MqUnlink{"/q"}, Returns(0)));
  b.creds = {};
  EXPECT_TRUE(b.Play(MqUnlink{"/q"}).outcome.ok());
}

TEST(PosixMq, AQueueGoesWithItsNameAndItsLastOpening) {
  Bench b;
  const PosixMq none = b.mq;
  const int q = b.Make(1, 1);
  b.Open({.name = "/q", .flags = O_RDWR});
  EXPECT_TRUE(b.Play(MqUnlink{"/q"}).outcome.ok());
  EXPECT_EQ(b.mq.FindName("/q"), -1);
  const int other = b.Make(1, 1);
  EXPECT_NE(other, q);
  b.mq.Close(q);
  EXPECT_NE(b.mq.Find(q), nullptr);
  b.mq.Close(q);
  EXPECT_EQ(b.mq.Find(q), nullptr);
  b.mq.Close(other);
  EXPECT_TRUE(b.Play(MqUnlink{"/q"}).outcome.ok());
  EXPECT_EQ(b.mq, none);
}

TEST(PosixMq, WhatTheUserMayTake) {
  Bench b;
  const MqOpen open{.name = "/q", .flags = O_CREAT, .maxmsg = 10, .msgsize = 100};
  b.room.max_bytes = 1000 + 10 * 96;  // as Linux counts
  EXPECT_GE(b.Open(open), 0);
  b = Bench();
  b.room.max_bytes = 1000 + 10 * 96 - 1;
  EXPECT_EQ(b.Open(open), -EMFILE);
  EXPECT_TRUE(b.Allows(open, Returns(0))) << "the sizes of structures are not promised";
  b.room.max_bytes = 1000;
  EXPECT_FALSE(b.Allows(open, Returns(0)));
  b.room.max_bytes = 100'000;
  EXPECT_FALSE(b.Allows(open, Fails(EMFILE)));
  b.creds.uid = kUser;
  EXPECT_EQ(b.Make(11, 1), -EINVAL);
  b.limits.Set(Limit::kMqQueuesMax, 1);
  EXPECT_GE(b.Make(10, 1), 0);
  EXPECT_EQ(b.Make(1, 1, "/r"), -ENOSPC);
  b.creds.uid = 0;
  EXPECT_GE(b.Make(11, 1, "/r"), 0);
}

TEST(PosixMq, MessagesComeOutByPriorityAndAge) {
  Bench b;
  const int q = b.Make(8, 4);
  for (const auto& [text, priority] : std::vector<std::pair<const char*, int64_t>>{
           {"a", 1}, {"b", 256}, {"c", 1}, {"d", 0}, {"e", 256}}) {
    ASSERT_TRUE(b.Play(MqSend{.fd = q, .data = text, .priority = priority}).outcome.ok());
  }
  EXPECT_EQ(b.mq.Find(q)->Bytes(), 5);
  std::string order;
  while (!b.mq.Find(q)->messages.empty()) order += b.Play(MqReceive{.fd = q}).outcome.data;
  EXPECT_EQ(order, "beacd");
}

TEST(PosixMq, WhenToSleep) {
  Bench b;
  const int q = b.Make(1, 4);
  const PosixMq before = b.mq;
  EXPECT_EQ(b.Play(MqReceive{.fd = q}).kind, Result::kAsleep);
  EXPECT_EQ(b.mq, before);
  EXPECT_EQ(b.Try(MqReceive{.fd = q}, Choice(Choice::Mode::kUsual), true).outcome, Fails(EAGAIN));
  ASSERT_TRUE(b.Play(MqSend{.fd = q, .data = "x"}).outcome.ok());
  EXPECT_EQ(b.Play(MqSend{.fd = q, .data = "y"}).kind, Result::kAsleep);
  EXPECT_FALSE(b.Allows(MqSend{.fd = q, .data = "y"}, Returns(0)));
  EXPECT_TRUE(b.Allows(MqSend{.fd = q, .data = "large"}, Fails(EMSGSIZE)));
  b.interrupted = true;
  EXPECT_EQ(b.Play(MqSend{.fd = q, .data = "y"}).outcome, Fails(EINTR));
  EXPECT_TRUE(b.Play(MqReceive{.fd = q}).outcome.ok()) << "what can go on goes on";
}

TEST(PosixMq, Deadlines) {
  Bench b;
  const int q = b.Make(1, 4);
  const Outcome over = Fails(ETIMEDOUT);
  EXPECT_TRUE(b.Allows(MqReceive{.fd = q, .timeout = kSecond}, over));
  EXPECT_FALSE(b.Allows(MqReceive{.fd = q, .timeout = kSecond + 1}, over)) << "too early";
  EXPECT_FALSE(b.Allows(MqReceive{.fd = q}, over));
  EXPECT_TRUE(b.Allows(MqReceive{.fd = q, .timeout = -kSecond}, over));
  EXPECT_TRUE(b.Allows(MqReceive{.fd = q, .bad_time = true}, Fails(EINVAL)));
  EXPECT_FALSE(b.Allows(MqReceive{.fd = q}, Fails(EINVAL)));
  // With room the time does not matter, and may be looked at.
  EXPECT_FALSE(b.Allows(MqSend{.fd = q, .timeout = -kSecond}, over));
  EXPECT_TRUE(b.Allows(MqSend{.fd = q, .bad_time = true}, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(MqSend{.fd = q, .bad_time = true}, Returns(0)));
  // A sleeper whose time is over may be late, not forgotten.
  const MqReceive late{.fd = q, .timeout = kSecond};
  EXPECT_EQ(b.Try(late, Choice(Choice::Mode::kSleepy)).kind, Result::kAsleep);
  b.now += 60 * kSecond;
  EXPECT_TRUE(b.Try(late, Choice(Choice::Mode::kSleepy)).done());
}

TEST(PosixMq, OneIsRegistered) {
  Bench b;
  const int q = b.Make(1, 4);
  EXPECT_TRUE(b.Allows(MqNotify{.fd = q, .how = Notify::kRemove}, Fails(EINVAL)));
  EXPECT_EQ(b.Play(MqNotify{.fd = q, .how = Notify::kRemove}).outcome, Returns(0));
  EXPECT_TRUE(b.Allows(MqNotify{.fd = q, .signal = 0}, Fails(EINVAL)));
  EXPECT_EQ(b.Play(MqNotify{.fd = q, .signal = 65}).outcome, Fails(EINVAL));
  EXPECT_EQ(b.Play(MqNotify{.fd = q, .signal = 10, .value = 3}).outcome, Returns(0));
  EXPECT_EQ(b.Play(MqNotify{.fd = q, .how = Notify::kNone}).outcome, Fails(EBUSY));
  EXPECT_FALSE(b.Allows(MqNotify{.fd = q, .how = Notify::kRemove}, Fails(EINVAL)));
  EXPECT_EQ(b.mq.Unregister(q).value, 3);
  EXPECT_EQ(b.mq.Find(q)->registered.task, -1);
}

}  // namespace
}  // namespace ipcspec
