// Clauses of POSIX message queues: who sleeps, who is woken, deadlines, signals, poll: mq_send(3),
// mq_receive(3), signal(7), poll(2).
#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kShort = 20'000'000;            // a deadline that is waited for
constexpr int64_t kNeverOver = 3600'000'000'000;  // one that does not come while a clause runs
constexpr int64_t kPast = -1'000'000'000;         // one that has passed when the call is made

Fd MakeQueue(TaskHandle& a, int64_t maxmsg = 1, int64_t flags = 0) {
  return a.Must(MqOpen{
      .name = "/q", .flags = O_CREAT | O_EXCL | O_RDWR | flags, .maxmsg = maxmsg, .msgsize = 16});
}

MqSend Send(Fd fd, std::string text, int64_t priority = 0, Nanos timeout = {}) {
  return {.fd = fd, .data = Bytes(std::move(text)), .priority = priority, .timeout = timeout};
}

int64_t CountOf(TaskHandle& a, Fd fd) { return a.Do(MqGetattr{.fd = fd}).values.at(3); }

CLAUSE(PosixMq, ReceiverWaits, "mq_receive(3)",
       "Receiving from an empty queue waits until a message comes, and takes it") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q});
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, "x", 4));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
  EXPECT_THAT(receive.Finish(), GivesValues({4}));
  EXPECT_EQ(CountOf(a, q), 0);
}

CLAUSE(PosixMq, SenderWaits, "mq_send(3)",
       "Sending to a full queue waits until there is room; the message then counts like any") {
  const Fd q = MakeQueue(a, 2);
  a.Must(Send(q, "a", 1));
  a.Must(Send(q, "b", 1));
  TaskHandle b = a.Fork();
  const Pending send = b.Begin(Send(q, "c", 9));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_EQ(CountOf(a, q), 2);
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "a"));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "c"));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "b"));
}

CLAUSE(PosixMq, WaitingMessageIsNotInTheQueue, "mq_send(3)",
       "What a sender still waits to send is not received, whatever its priority") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "low", 1));
  TaskHandle b = a.Fork();
  const Pending send = b.Begin(Send(q, "high", 9));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(3, "low"));
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(PosixMq, OneMessageWakesOneReceiver, "mq_send(3)",
       "A message goes to one of two receivers that wait; the other waits on") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(MqReceive{.fd = q}), second = c.Begin(MqReceive{.fd = q});
  a.Must(Send(q, "x"));
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(Send(q, "y"));
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(PosixMq, OnePlaceWakesOneSender, "mq_receive(3)",
       "A place that gets free serves one of two senders that wait; the other waits on") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "a"));
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Send(q, "b")), second = c.Begin(Send(q, "c"));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "a"));
  EXPECT_NE(first.asleep(), second.asleep());
  EXPECT_EQ(CountOf(a, q), 1);
  a.Must(MqReceive{.fd = q});
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(PosixMq, ManyWaitersAreServed, "mq_receive(3)",
       "Each of many receivers that wait gets one message of as many that are sent") {
  const Fd q = MakeQueue(a);
  std::vector<Pending> waiting;
  for (int i = 0; i < 4; ++i) {
    TaskHandle b = a.Fork();
    waiting.push_back(b.Begin(MqReceive{.fd = q}));
  }
  std::string got;
  for (const char* text : {"1", "2", "3", "4"}) a.Must(Send(q, text));
  for (const Pending& receive : waiting) got += receive.Finish().data;
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, "1234");
}

CLAUSE(PosixMq, OtherQueuesWakeNobody, "mq_receive(3)",
       "A message in another queue, or in a new one of the same name, wakes nobody") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q});
  a.Must(MqUnlink{.name = "/q"});
  const Fd fresh = MakeQueue(a);
  a.Must(Send(fresh, "new"));
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, "old"));
  EXPECT_THAT(receive.Finish(), Gives(3, "old"));
}

CLAUSE(PosixMq, WaitingEndsNotWithTheName, "mq_unlink(3)",
       "Unlinking a queue, and closing it elsewhere, ends no wait on it") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q});
  a.Must(MqUnlink{.name = "/q"});
  a.Must(Close{.fd = q});
  EXPECT_THAT(receive, IsAsleep());
  c.Must(Send(q, "x"));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
}

CLAUSE(PosixMq, DeadlineOfReceiving, "mq_receive(3)",
       "A receiver whose deadline comes first fails with ETIMEDOUT, and takes nothing later") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q, .timeout = kShort});
  b.AwaitReturn();
  EXPECT_THAT(receive.Finish(), FailsWith(ETIMEDOUT));
  a.Must(Send(q, "x"));
  EXPECT_EQ(CountOf(a, q), 1);
}
PROVOKES(PosixMq, DeadlineOfReceiving, "mq_receive.3", "mq_timedreceive", "ETIMEDOUT",
         "nothing arrived before deadline");

CLAUSE(PosixMq, DeadlineOfSending, "mq_send(3)",
       "A sender whose deadline comes first fails with ETIMEDOUT, and its message is never sent") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "a"));
  TaskHandle b = a.Fork();
  const Pending send = b.Begin(Send(q, "late", 9, kShort));
  b.AwaitReturn();
  EXPECT_THAT(send.Finish(), FailsWith(ETIMEDOUT));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "a"));
  EXPECT_EQ(CountOf(a, q), 0);
}
PROVOKES(PosixMq, DeadlineOfSending, "mq_send.3", "mq_timedsend", "ETIMEDOUT",
         "no room before deadline");

CLAUSE(PosixMq, InTime, "mq_receive(3)",
       "A wait with a deadline ends as soon as it can, not only at the deadline") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q, .timeout = kNeverOver});
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, "x"));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
  a.Must(Send(q, "y"));
  const Pending send = b.Begin(Send(q, "z", 0, kNeverOver));
  EXPECT_THAT(send, IsAsleep());
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(PosixMq, PastDeadline, "mq_receive(3)",
       "A deadline that has passed is ETIMEDOUT at once, but only for a call that would wait") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .timeout = kPast}), FailsWith(ETIMEDOUT));
  EXPECT_THAT(a.Do(Send(q, "x", 0, kPast)), Gives(0));
  EXPECT_THAT(a.Do(Send(q, "y", 0, kPast)), FailsWith(ETIMEDOUT));
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .timeout = kPast}), Gives(1, "x"));
}

CLAUSE(PosixMq, DeadlineWithoutBlocking, "mq_receive(3)",
       "With O_NONBLOCK the deadline does not matter: EAGAIN") {
  const Fd q = MakeQueue(a, 1, O_NONBLOCK);
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .timeout = kNeverOver}), FailsWith(EAGAIN));
  a.Must(Send(q, "x", 0, kNeverOver));
  EXPECT_THAT(a.Do(Send(q, "y", 0, kNeverOver)), FailsWith(EAGAIN));
}

CLAUSE(PosixMq, MalformedDeadline, "mq_send(3)",
       "Nanoseconds out of range are EINVAL for a call that would wait") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .timeout = kNeverOver, .bad_time = true}), FailsWith(EINVAL));
  a.Must(Send(q, "x"));
  EXPECT_THAT(a.Do(MqSend{.fd = q, .data = "y", .timeout = kNeverOver, .bad_time = true}),
              FailsWith(EINVAL));
  EXPECT_EQ(CountOf(a, q), 1);
}
PROVOKES(PosixMq, MalformedDeadline, "mq_send.3", "mq_timedsend", "EINVAL",
         "would block and timeout malformed");
PROVOKES(PosixMq, MalformedDeadline, "mq_receive.3", "mq_timedreceive", "EINVAL",
         "would block and timeout malformed");

// Waits in a call of b that a handler of this disposition meets.
Pending Met(TaskHandle& a, TaskHandle& b, Disposition disposition, Call call) {
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = disposition});
  const Pending waiting = b.Begin(std::move(call));
  EXPECT_THAT(waiting, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  return waiting;
}

CLAUSE(PosixMq, ReceiverIsInterrupted, "mq_receive(3)",
       "A handler without SA_RESTART ends a receiver's wait with EINTR; it takes nothing later") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  EXPECT_THAT(Met(a, b, Disposition::kHandle, MqReceive{.fd = q}).Finish(), FailsWith(EINTR));
  EXPECT_THAT(Met(a, b, Disposition::kHandle, MqReceive{.fd = q, .timeout = kNeverOver}).Finish(),
              FailsWith(EINTR));
  a.Must(Send(q, "x"));
  EXPECT_EQ(CountOf(a, q), 1);
}
PROVOKES(PosixMq, ReceiverIsInterrupted, "mq_receive.3", "mq_receive,mq_timedreceive", "EINTR",
         "handler interrupted the wait");

CLAUSE(PosixMq, SenderIsInterrupted, "mq_send(3)",
       "A handler without SA_RESTART ends a sender's wait with EINTR; nothing is sent later") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "a"));
  TaskHandle b = a.Fork();
  EXPECT_THAT(Met(a, b, Disposition::kHandle, Send(q, "b", 9)).Finish(), FailsWith(EINTR));
  EXPECT_THAT(Met(a, b, Disposition::kHandle, Send(q, "c", 9, kNeverOver)).Finish(),
              FailsWith(EINTR));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "a"));
  EXPECT_EQ(CountOf(a, q), 0);
}
PROVOKES(PosixMq, SenderIsInterrupted, "mq_send.3", "mq_send,mq_timedsend", "EINTR",
         "handler interrupted the wait");

CLAUSE(PosixMq, WaitsAreRestarted, "signal(7)",
       "A handler with SA_RESTART lets sender and receiver wait on, with a deadline or without") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = Met(a, b, Disposition::kHandleRestart, MqReceive{.fd = q});
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, "x"));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
  a.Must(Send(q, "y"));
  const Pending send = Met(a, b, Disposition::kHandleRestart, Send(q, "z", 0, kNeverOver));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "y"));
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(PosixMq, RestartKeepsTheDeadline, "signal(7)",
       "A restarted wait still ends at its deadline") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending receive = b.Begin(MqReceive{.fd = q, .timeout = 5 * kShort});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  b.AwaitReturn();
  EXPECT_THAT(receive.Finish(), FailsWith(ETIMEDOUT));
}

CLAUSE(PosixMq, IgnoredSignalsEndNoWait, "signal(7)",
       "A signal that is ignored or blocked ends no wait on a queue") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandle});
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR2});
  const Pending receive = Met(a, b, Disposition::kIgnore, MqReceive{.fd = q});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR2});
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, "x"));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
}

CLAUSE(PosixMq, KilledWaitersTakeNothing, "mq_receive(3)",
       "A receiver or sender that was killed while it waited takes nothing and sends nothing") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(MqReceive{.fd = q});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Send(q, "x"));
  EXPECT_EQ(CountOf(a, q), 1);
  c.Begin(Send(q, "never"));
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "x"));
  EXPECT_EQ(CountOf(a, q), 0);
}

CLAUSE(PosixMq, NextReceiverIsServed, "mq_receive(3)",
       "When one receiver that waits is gone the next one is served") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(MqReceive{.fd = q});
  const Pending second = c.Begin(MqReceive{.fd = q});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Send(q, "x"));
  EXPECT_THAT(second.Finish(), Gives(1, "x"));
}

CLAUSE(PosixMq, FailingCallsDoNotWait, "mq_send(3)",
       "A message that is too long, or a wrong priority, fails at once though the queue is full") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "x"));
  EXPECT_THAT(a.Do(Send(q, std::string(17, 'y'))), FailsWith(EMSGSIZE));
  EXPECT_THAT(a.Do(Send(q, "y", 32768)), FailsWith(EINVAL));
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .size = 15}), FailsWith(EMSGSIZE));
}

// What poll shows of the descriptor at once.
int64_t Polled(TaskHandle& a, Fd fd, int64_t events = POLLIN | POLLOUT) {
  return a.Do(Poll{.fds = {{.fd = fd, .events = events}}, .timeout = 0}).values.at(0);
}

CLAUSE(PosixMq, PollShowsMessagesAndRoom, "mq_overview(7)",
       "poll shows POLLIN iff there is a message, and POLLOUT iff there is room for one") {
  const Fd q = MakeQueue(a, 2);
  EXPECT_EQ(Polled(a, q), POLLOUT);
  a.Must(Send(q, ""));
  EXPECT_EQ(Polled(a, q), POLLIN | POLLOUT);
  a.Must(Send(q, "y"));
  EXPECT_EQ(Polled(a, q), POLLIN);
  a.Must(MqReceive{.fd = q});
  a.Must(MqReceive{.fd = q});
  EXPECT_EQ(Polled(a, q), POLLOUT);
}

CLAUSE(PosixMq, PollShowsWhatIsAskedFor, "poll(2)",
       "Of a queue, too, poll shows the events that are asked for, and their other names") {
  const Fd q = MakeQueue(a, 2);
  a.Must(Send(q, "x"));
  EXPECT_EQ(Polled(a, q, POLLIN), POLLIN);
  EXPECT_EQ(Polled(a, q, POLLOUT), POLLOUT);
  EXPECT_EQ(Polled(a, q, POLLRDNORM | POLLWRNORM), POLLRDNORM | POLLWRNORM);
  EXPECT_EQ(Polled(a, q, 0), 0);
}

CLAUSE(PosixMq, PollWaitsForAMessage, "mq_overview(7)",
       "poll for POLLIN waits until a message comes, and leaves it there") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending poll = b.Begin(Poll{.fds = {{.fd = q, .events = POLLIN}}});
  EXPECT_THAT(poll, IsAsleep());
  a.Must(Send(q, "x"));
  EXPECT_THAT(poll.Finish(), GivesValues({POLLIN}));
  EXPECT_EQ(CountOf(a, q), 1);
}

CLAUSE(PosixMq, PollWaitsForRoom, "mq_overview(7)",
       "poll for POLLOUT on a full queue waits until a message is received") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "x"));
  TaskHandle b = a.Fork();
  const Pending poll = b.Begin(Poll{.fds = {{.fd = q, .events = POLLOUT}}});
  EXPECT_THAT(poll, IsAsleep());
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(poll.Finish(), GivesValues({POLLOUT}));
}

CLAUSE(PosixMq, PollerAndReceiver, "mq_overview(7)",
       "When a message has gone to a receiver that waited, and the queue is empty, who polls for "
       "one may wait on; the next message wakes it") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending poll = b.Begin(Poll{.fds = {{.fd = q, .events = POLLIN}}});
  const Pending receive = c.Begin(MqReceive{.fd = q});
  a.Must(Send(q, "x"));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
  a.Must(Send(q, "y"));
  EXPECT_THAT(poll.Finish(), GivesValues({POLLIN}));
}

}  // namespace
}  // namespace ipcspec
