// Clauses of tasks that share their memory (clone(2), CLONE_VM), and of semaphores that are not
// shared between processes, which such tasks can use: sem_init(3).
#include <sched.h>

#include <csignal>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(PosixSem, TasksOfOneMemoryShare, "sem_init(3)",
       "A semaphore that processes do not share works between tasks that share all memory") {
  const Address s = MakeOwnSem(a, 1);
  TaskHandle b = a.Clone(CLONE_VM);
  EXPECT_THAT(b.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemTryWait{.address = s}), FailsWith(EAGAIN));
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, TasksOfOneMemoryWakeEachOther, "sem_post(3)",
       "Of tasks that share all memory one posts and another that waits goes on, both ways") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM);
  const Pending there = b.Begin(PsemWait{.address = s});
  EXPECT_THAT(there, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(there.Finish(), Gives(0));
  const Pending here = a.Begin(PsemWait{.address = s});
  EXPECT_THAT(here, IsAsleep());
  b.Must(PsemPost{.address = s});
  EXPECT_THAT(here.Finish(), Gives(0));
}

CLAUSE(PosixSem, OnePostWakesOneOfOneMemory, "sem_post(3)",
       "Among several tasks that share all memory one post lets one waiter go on") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM), c = b.Clone(CLONE_VM);
  const Pending first = b.Begin(PsemWait{.address = s}), second = c.Begin(PsemWait{.address = s});
  a.Must(PsemPost{.address = s});
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(PsemPost{.address = s});
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(PosixSem, OwnOnesTimeOut, "sem_wait(3)",
       "A wait on a semaphore that processes do not share ends at its deadline too") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM);
  const Pending wait = b.Begin(PsemWait{.address = s, .timeout = kShort});
  b.AwaitReturn();
  EXPECT_THAT(wait.Finish(), FailsWith(ETIMEDOUT));
}

CLAUSE(PosixSem, OwnOnesAreInterrupted, "sem_wait(3)",
       "A handler of one of two tasks that share memory ends its wait, and not the other's") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM), c = a.Clone(CLONE_VM);
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  const Pending first = b.Begin(PsemWait{.address = s}), second = c.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(first.Finish(), FailsWith(EINTR));
  EXPECT_THAT(second, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(second.Finish(), Gives(0));
}

CLAUSE(PosixSem, NewMemoryIsSharedToo, "clone(2)",
       "What one of two tasks with CLONE_VM maps, the other has at the same address") {
  TaskHandle b = a.Clone(CLONE_VM);
  const Address s = MakeOwnSem(b, 4);
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(PsemGetValue{.address = s}), GivesValues({3}));
}

CLAUSE(PosixSem, NamedOnesInOneMemory, "clone(2)",
       "A named semaphore that one task opened can be used by those that share its memory") {
  TaskHandle b = a.Clone(CLONE_VM);
  const Address s = OpenSem(b, "/s", 0);
  const Pending wait = b.Begin(PsemWait{.address = s});
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, MemoryOutlivesItsMaker, "clone(2)",
       "When one of the tasks that share memory exits the memory stays for the others") {
  TaskHandle b = a.Clone(CLONE_VM), c = a.Clone(CLONE_VM);
  const Address s = MakeOwnSem(b, 0);
  const Pending wait = c.Begin(PsemWait{.address = s});
  b.Begin(Exit{.status = 3});
  EXPECT_THAT(wait, IsAsleep());
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, KillOfOneIsNotOfAll, "clone(2)",
       "Tasks that share memory without CLONE_THREAD are processes: a signal kills one of them") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM), c = a.Clone(CLONE_VM);
  b.Begin(PsemWait{.address = s});
  const Pending wait = c.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_FALSE(b.alive());
  EXPECT_THAT(wait, IsAsleep());
  EXPECT_THAT(a.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, ParentOfSharedMemoryDies, "clone(2)",
       "The child of CLONE_VM goes on when the task that made it is killed") {
  TaskHandle b = a.Fork();
  const Address s = MakeOwnSem(b, 0);
  TaskHandle c = b.Clone(CLONE_VM), d = b.Clone(CLONE_VM);
  const Pending wait = c.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(d.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(
    PosixSem, ExecLeavesTheMemory, "execve(2)",
    "A task that calls exec leaves the shared memory to the others, and has its own from then on") {
  const Address s = MakeOwnSem(a, 1);
  TaskHandle b = a.Clone(CLONE_VM);
  EXPECT_THAT(b.Do(Exec{}), Gives(0));
  const Address own = OwnPage(b);
  b.Must(PsemInit{.address = own, .value = 7});
  EXPECT_THAT(b.Do(PsemWait{.address = own}), Gives(0));
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({0}));
}

CLAUSE(PosixSem, ExecOfTheMaker, "execve(2)",
       "When the task that made it calls exec, the child of CLONE_VM keeps the memory") {
  TaskHandle b = a.Fork();
  const Address s = MakeOwnSem(b, 2);
  TaskHandle c = b.Clone(CLONE_VM);
  b.Must(Exec{});
  EXPECT_THAT(c.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(c.Do(PsemGetValue{.address = s}), GivesValues({1}));
}

CLAUSE(PosixSem, DescriptorsStayApart, "clone(2)",
       "Tasks that share memory, and not CLONE_FILES, open and close each their own descriptors") {
  const auto [r, w] = a.Pipe();
  TaskHandle b = a.Clone(CLONE_VM);
  b.Must(Close{.fd = w});
  b.Must(Close{.fd = r});
  EXPECT_THAT(a.Do(Write{.fd = w, .data = "x"}), Gives(1));
  EXPECT_THAT(a.Do(Read{.fd = r, .count = 4}), Gives(1, "x"));
  EXPECT_THAT(b.Do(Close{.fd = w}), FailsWith(EBADF));
}

CLAUSE(PosixSem, DispositionsStayApart, "clone(2)",
       "Tasks that share memory, and not CLONE_SIGHAND, have each their own signal dispositions") {
  const Address s = MakeOwnSem(a, 0);
  TaskHandle b = a.Clone(CLONE_VM), c = a.Clone(CLONE_VM);
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kIgnore});
  const Pending wait = b.Begin(PsemWait{.address = s});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  a.Must(Kill{.target = c.task(), .signal = SIGUSR1});
  EXPECT_THAT(wait, IsAsleep());
  EXPECT_FALSE(c.alive());
}

CLAUSE(PosixSem, ForkCopiesWhatIsShared, "fork(2)",
       "A fork of a task that shares its memory has a copy: it sees no store of the others") {
  const Address page = OwnPage(a);
  TaskHandle b = a.Clone(CLONE_VM);
  a.Must(Store{.address = page, .data = "one"});
  TaskHandle c = b.Fork();
  b.Must(Store{.address = page, .data = "two"});
  EXPECT_THAT(c.Do(Load{.address = page, .size = 3}), Gives(0, "one"));
  EXPECT_THAT(a.Do(Load{.address = page, .size = 3}), Gives(0, "two"));
}

}  // namespace
}  // namespace ipcspec
