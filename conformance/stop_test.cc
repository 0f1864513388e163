// Clauses of tasks that are stopped and continued in the middle of a call, mechanism by mechanism:
// signal(7), "Interruption of system calls and library functions by stop signals".
#include <fcntl.h>

#include <csignal>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"
#include "conformance/sysv_msg_helpers.h"

namespace ipcspec {
namespace {

void Signal(TaskHandle& a, TaskHandle& b, int signal) {
  a.Must(Kill{.target = b.task(), .signal = signal});
}

void StopAndContinue(TaskHandle& a, TaskHandle& b) {
  Signal(a, b, SIGSTOP);
  Signal(a, b, SIGCONT);
}

CLAUSE(Pipe, StopDoesNotEndARead, "signal(7)",
       "A reader that is stopped and continued goes on waiting") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  const Pending read = b.Begin(Read{.fd = p.read, .count = 9});
  StopAndContinue(a, b);
  StopAndContinue(a, b);
  EXPECT_THAT(read, IsAsleep());
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(read.Finish(), Gives(4, "data"));
}

CLAUSE(Pipe, StoppedReaderLeavesItToOthers, "signal(7)",
       "What is written while a reader is stopped, another reader takes") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending read = b.Begin(Read{.fd = p.read, .count = 9});
  Signal(a, b, SIGSTOP);
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(c.Do(Read{.fd = p.read, .count = 9}), Gives(4, "data"));
  Signal(a, b, SIGCONT);
  EXPECT_THAT(read, IsAsleep());
  a.Must(Write{.fd = p.write, .data = "more"});
  EXPECT_THAT(read.Finish(), Gives(4, "more"));
}

CLAUSE(Pipe, StoppedTaskCanBeKilled, "signal(7)", "SIGKILL ends a task that is stopped") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Begin(Read{.fd = p.read, .count = 9});
  Signal(a, b, SIGSTOP);
  Signal(a, b, SIGKILL);
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), GivesValues({SIGKILL}));
}

CLAUSE(Fifo, StopDoesNotEndAnOpen, "signal(7)",
       "An open that waits for the other end goes on waiting when its task was stopped") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending open = b.Begin(Open{.path = "f"});
  StopAndContinue(a, b);
  EXPECT_THAT(open, IsAsleep());
  a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_GE(open.Finish().ret, 0);
}

CLAUSE(SysvSem, StopMayEndASleep, "signal(7)",
       "semop of a task that was stopped and continued goes on waiting, or gives EINTR") {
  const SemId s = a.MakeSemSet({0});
  TaskHandle b = a.Fork();
  const Pending take = b.Begin(Semop{.id = s, .ops = {{.num = 0, .op = -1}}});
  StopAndContinue(a, b);
  const bool goes_on = take.asleep();
  a.Must(Semop{.id = s, .ops = {{.num = 0, .op = 1}}});
  EXPECT_THAT(take.Finish(), goes_on ? Gives(0) : FailsWith(EINTR));
  EXPECT_THAT(a.Do(SemGetVal{.id = s, .num = 0}), Gives(goes_on ? 0 : 1));
}

CLAUSE(SysvMsg, StopMayEndAReceive, "signal(7)",
       "msgrcv of a task that was stopped and continued goes on waiting, or gives EINTR and takes "
       "nothing") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Msgrcv{.id = q});
  StopAndContinue(a, b);
  const bool goes_on = receive.asleep();
  a.Must(Msgsnd{.id = q, .type = 1, .data = "data"});
  EXPECT_THAT(receive.Finish(), goes_on ? Gives(4, "data") : FailsWith(EINTR));
  EXPECT_THAT(a.Do(Msgrcv{.id = q, .flags = IPC_NOWAIT}),
              goes_on ? FailsWith(ENOMSG) : Gives(4, "data"));
}

CLAUSE(PosixMq, StopDoesNotEndAReceive, "signal(7)",
       "mq_receive of a task that was stopped and continued goes on waiting") {
  const Fd q =
      a.Must(MqOpen{.name = "/q", .flags = O_CREAT | O_EXCL | O_RDWR, .maxmsg = 2, .msgsize = 16});
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(MqReceive{.fd = q});
  StopAndContinue(a, b);
  EXPECT_THAT(receive, IsAsleep());
  a.Must(MqSend{.fd = q, .data = "data"});
  EXPECT_THAT(receive.Finish(), Gives(4, "data"));
}

CLAUSE(PosixSem, StopDoesNotEndAWait, "signal(7)",
       "sem_wait of a task that was stopped and continued goes on waiting") {
  const Address s = MakeSem(a, 0);
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = s});
  StopAndContinue(a, b);
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

}  // namespace
}  // namespace ipcspec
