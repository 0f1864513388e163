// Clauses of System V message queues: how else sleep in msgsnd and msgrcv ends than by a message or
// room: removal, handlers, death: msgop(2), msgctl(2), signal(7).
#include <csignal>
#include <string>

#include "conformance/sysv_msg_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(SysvMsg, RemovalEndsReceivers, "msgop(2)",
       "When the queue is removed every sleeping receiver fails with EIDRM") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  const Pending any = b.Begin(Receive(q)), typed = c.Begin(Receive(q, 5)),
                low = d.Begin(Receive(q, -5, MSG_NOERROR));
  a.Must(MsgRemove{.id = q});
  EXPECT_THAT(any.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(typed.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(low.Finish(), FailsWith(EIDRM));
}
PROVOKES(SysvMsg, RemovalEndsReceivers, "msgop.2", "msgrcv", "EIDRM",
         "queue removed while sleeping");

CLAUSE(SysvMsg, RemovalEndsSenders, "msgop(2)",
       "When the queue is removed every sleeping sender fails with EIDRM") {
  const MsgId q = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  a.Must(Send(q, 1, "x"));
  const Pending large = b.Begin(Send(q, 1, "123")), small = c.Begin(Send(q, 1, "1")),
                empty = d.Begin(Send(q, 1, ""));
  a.Must(MsgRemove{.id = q});
  EXPECT_THAT(large.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(small.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(empty.Finish(), FailsWith(EIDRM));
}
PROVOKES(SysvMsg, RemovalEndsSenders, "msgop.2", "msgsnd", "EIDRM", "queue removed");

CLAUSE(SysvMsg, SleepersDoNotMoveToANewQueue, "msgctl(2)",
       "Who slept on a removed queue has nothing to do with the new one of the same key") {
  constexpr int64_t kKey = 4741;
  const MsgId q = a.Must(Msgget{.key = kKey, .flags = IPC_CREAT | 0600});
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q));
  a.Must(MsgRemove{.id = q});
  const MsgId r = a.Must(Msgget{.key = kKey, .flags = IPC_CREAT | 0600});
  a.Must(Send(r, 1, "new"));
  EXPECT_THAT(receive.Finish(), FailsWith(EIDRM));
  EXPECT_THAT(a.Do(TryReceive(r)), GivesMessage(1, "new"));
}

// A handler of this disposition ends both sleeps with EINTR, and nothing is sent or taken.
void AreInterrupted(TaskHandle& a, Disposition disposition) {
  const MsgId q = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "x"));
  for (TaskHandle* task : {&b, &c}) {
    task->Must(Sigaction{.signal = SIGUSR1, .disposition = disposition});
  }
  const Pending send = b.Begin(Send(q, 2, "y")), receive = c.Begin(Receive(q, 2));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  a.Must(Kill{.target = c.task(), .signal = SIGUSR1});
  EXPECT_THAT(send.Finish(), FailsWith(EINTR));
  EXPECT_THAT(receive.Finish(), FailsWith(EINTR));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "x"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, SleepIsInterrupted, "msgop(2)",
       "A handler that runs ends the sleep of msgsnd and msgrcv with EINTR") {
  AreInterrupted(a, Disposition::kHandle);
}
PROVOKES(SysvMsg, SleepIsInterrupted, "msgop.2", "msgsnd", "EINTR",
         "handler interrupted wait (never restarted)");
PROVOKES(SysvMsg, SleepIsInterrupted, "msgop.2", "msgrcv", "EINTR", "handler interrupted wait");

CLAUSE(SysvMsg, SleepIsNeverRestarted, "signal(7)",
       "SA_RESTART restarts neither msgsnd nor msgrcv: a handler ends their sleep with EINTR") {
  AreInterrupted(a, Disposition::kHandleRestart);
}

CLAUSE(SysvMsg, IgnoredSignalDoesNotInterrupt, "signal(7)",
       "An ignored or blocked signal ends no sleep on a queue") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kIgnore});
  b.Must(Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandle});
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR2});
  const Pending receive = b.Begin(Receive(q));
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR2});
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, 1, "x"));
  EXPECT_THAT(receive.Finish(), GivesMessage(1, "x"));
}

CLAUSE(SysvMsg, GoneReceiversTakeNothing, "msgop(2)",
       "Receivers that were killed or interrupted in their sleep take nothing that comes later") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Begin(Receive(q));
  c.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  c.Begin(Receive(q));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Kill{.target = c.task(), .signal = SIGUSR1});
  a.Must(Send(q, 1, "x"));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "x"));
}

CLAUSE(SysvMsg, GoneSendersSendNothing, "msgop(2)",
       "Senders that were killed or interrupted in their sleep send nothing, and hold up no one") {
  const MsgId q = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  a.Must(Send(q, 1, "x"));
  b.Begin(Send(q, 2, "b"));
  c.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  c.Begin(Send(q, 3, "c"));
  const Pending send = d.Begin(Send(q, 4, "d"));
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Kill{.target = c.task(), .signal = SIGUSR1});
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "x"));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(4, "d"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

}  // namespace
}  // namespace ipcspec
