// Clauses of the tasks and descriptors around pipes: what signals, waits and duplicates refuse, and
// what descriptors of other things do: kill(2), sigaction(2), wait(2), dup(2), poll(2), null(4).
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

constexpr int64_t kDefault = 65536;

CLAUSE(Pipe, SignalNumbers, "kill(2)", "A signal that there is not is refused with EINVAL") {
  TaskHandle b = a.Fork();
  for (const int number : {-1, 65}) {
    EXPECT_THAT(a.Do(Kill{.target = b.task(), .signal = number}), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(Sigaction{.signal = number}), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(Sigprocmask{.signal = number}), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(Sigaction{.signal = 0}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Kill{.target = b.task(), .signal = 0}), Gives(0));
  EXPECT_TRUE(b.alive());
}

CLAUSE(Pipe, SignalsThatCannotBeCaught, "signal(7)",
       "SIGKILL and SIGSTOP can be neither handled nor ignored, and SIGKILL not be blocked") {
  TaskHandle b = a.Fork();
  for (const int number : {SIGKILL, SIGSTOP}) {
    for (const Disposition d : {Disposition::kHandle, Disposition::kIgnore}) {
      EXPECT_THAT(b.Do(Sigaction{.signal = number, .disposition = d}), FailsWith(EINVAL));
    }
    EXPECT_THAT(b.Do(Sigprocmask{.how = MaskChange::kBlock, .signal = number}), Gives(0));
  }
  EXPECT_THAT(a.Do(Kill{.target = b.task(), .signal = SIGKILL}), Gives(0));
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), GivesValues({SIGKILL}));
}

CLAUSE(Pipe, SignalsIgnoredByDefault, "signal(7)",
       "Signals that are ignored by default change nothing, nor do they end a read") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  const Pending read = b.Begin(Read{.fd = p.read, .count = 9});
  for (const int number : {SIGURG, SIGWINCH, SIGCHLD, SIGCONT}) {
    EXPECT_THAT(a.Do(Kill{.target = b.task(), .signal = number}), Gives(0));
    EXPECT_THAT(read, IsAsleep());
  }
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(read.Finish(), Gives(4, "data"));
}

CLAUSE(Pipe, IgnoredSignalMayPend, "signal(7)",
       "A signal that is blocked, and ignored by default, is gone once it is not blocked") {
  TaskHandle b = a.Fork();
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGURG});
  a.Must(Kill{.target = b.task(), .signal = SIGURG});
  b.Do(Sigpending{});
  b.Must(Sigprocmask{.how = MaskChange::kUnblock, .signal = SIGURG});
  EXPECT_THAT(b.Do(Sigpending{}), GivesValues({}));
  EXPECT_TRUE(b.alive());
}

CLAUSE(Pipe, WaitForAStranger, "wait(2)", "Only a child can be waited for, and only once: ECHILD") {
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Wait{.target = a.task()}), FailsWith(ECHILD));
  EXPECT_THAT(a.Do(Wait{.target = 99}), FailsWith(ECHILD));
  b.Begin(Exit{});
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), GivesValues({0}));
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), FailsWith(ECHILD));
}

CLAUSE(Pipe, DescriptorLimitHasNoSign, "getrlimit(2)",
       "The limit on descriptors cannot be raised beyond all bounds") {
  EXPECT_THAT(a.Do(LimitDescriptors{.count = -1}), FailsWith(EPERM));
  EXPECT_THAT(a.Do(MakePipe{}), GivesValues({3, 4}));
}

CLAUSE(Pipe, Dup2Refusals, "dup(2)", "dup2 makes no descriptor outside the allowed range: EBADF") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Dup2{.fd = p.read, .to = -1}), FailsWith(EBADF));
  a.Must(LimitDescriptors{.count = 4});
  EXPECT_THAT(a.Do(Dup2{.fd = p.read, .to = 5}), FailsWith(EBADF));
  // What is open already may stay, beyond the limit.
  const Outcome same = a.Do(Dup2{.fd = p.write, .to = p.write});
  EXPECT_THAT(same, testing::AnyOf(Gives(p.write.value), FailsWith(EBADF)));
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), Gives(1));
}

CLAUSE(Pipe, NullDevice, "null(4)",
       "The null device is empty to who reads it, and takes what is written; it is no pipe") {
  EXPECT_THAT(a.Do(Read{.fd = 0, .count = 9}), Gives(0, ""));
  EXPECT_THAT(a.Do(Write{.fd = 1, .data = "lost"}), Gives(4));
  EXPECT_THAT(a.Do(Read{.fd = 0, .count = 9}), Gives(0, ""));
  EXPECT_EQ(a.Do(Fstat{.fd = 0}).values.at(0) & S_IFMT, S_IFCHR);
  EXPECT_THAT(a.Do(GetPipeSize{.fd = 0}), FailsWith(EBADF));
  // Whether it has an offset, or a number of unread bytes, is its own business.
  a.Do(Lseek{.fd = 0, .offset = 7});
  a.Do(Fionread{.fd = 0});
}

CLAUSE(Pipe, PollOfFiles, "poll(2)", "A regular file is always ready for reading and writing") {
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR | O_CREAT, .mode = 0600});
  EXPECT_THAT(a.Do(Poll{.fds = {{f, POLLIN | POLLOUT}, {f, POLLIN}}}),
              GivesValues({POLLIN | POLLOUT, POLLIN}));
  EXPECT_THAT(a.Do(Poll{.fds = {{f, POLLRDNORM | POLLWRNORM}}}),
              GivesValues({POLLRDNORM | POLLWRNORM}));
}

CLAUSE(Pipe, CapacityIsNotNegative, "fcntl(2)",
       "A capacity that is negative, or more than there can be, is refused with EINVAL") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(SetPipeSize{.fd = p.write, .size = -1}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(SetPipeSize{.fd = p.write, .size = (int64_t{1} << 31) + 1}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(GetPipeSize{.fd = p.write}), Gives(kDefault));
}

CLAUSE(Pipe, ModeOfAPipe, "fchmod(2)",
       "Whether a pipe without a name can be given mode and owner is not said; it stays a pipe") {
  const PipeEnds p = a.Pipe();
  a.Do(Fchmod{.fd = p.read, .mode = 0660});
  a.Do(Fchown{.fd = p.write, .uid = -1, .gid = -1});
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(4, "data"));
}

CLAUSE(Pipe, ModeOfOthersPipe, "fchmod(2)",
       "Who does not own a pipe need not be let change it; it stays a pipe") {
  RequiresOtherUsers();
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  b.Do(Fchmod{.fd = p.read, .mode = 0666});
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(b.Do(Read{.fd = p.read, .count = 9}), Gives(4, "data"));
}

CLAUSE(Pipe, LargeWriteLosesItsReader, "write(2)",
       "A write of which a part is in the pipe returns that number when the last reader goes") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.read});
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 9000)});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(write.Finish(), Gives(kDefault));
  EXPECT_THAT(b.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EPIPE));
}

CLAUSE(Pipe, LargeWriteLosesItsReaderAndItsLife, "write(2)",
       "SIGPIPE may come to a write of which a part is in the pipe") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.read});
  b.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kHandle});
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 9000)});
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(write.Finish(), Gives(kDefault));
}

CLAUSE(Pipe, NonblockComesToAReaderThatSleeps, "open(2)",
       "A read that sleeps when O_NONBLOCK is set may notice or not, and still gets data") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending looks_again = b.Begin(Read{.fd = p.read, .count = 9});
  const Pending sleeps = c.Begin(Read{.fd = p.read, .count = 9});
  a.Must(SetStatusFlags{.fd = p.read, .flags = O_NONBLOCK});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  if (!looks_again.asleep()) {
    EXPECT_THAT(looks_again.Finish(), FailsWith(EAGAIN));
  }
  if (looks_again.asleep() || !sleeps.asleep()) return;
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(sleeps.Finish(), Gives(4, "data"));
}

CLAUSE(Pipe, NonblockComesToAWriterThatSleeps, "open(2)",
       "A write of which a part is done, when O_NONBLOCK is set, may end with that or go on") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 9000)});
  EXPECT_THAT(write, IsAsleep());
  a.Must(SetStatusFlags{.fd = p.write, .flags = O_NONBLOCK});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 4096}), Gives(4096, Pattern('A', 0, 4096)));
  if (!write.asleep()) {
    const int64_t written = write.Finish().ret;
    EXPECT_GE(written, kDefault);
    EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({written - 4096}));
  }
}

CLAUSE(Pipe, IgnoredChildrenAreNotWaitedFor, "wait(2)",
       "The child of a task that ignores SIGCHLD leaves nothing to wait for: ECHILD") {
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGCHLD, .disposition = Disposition::kIgnore});
  TaskHandle c = b.Fork(), d = b.Fork();
  const Pending wait = b.Begin(Wait{.target = c.task()});
  EXPECT_THAT(wait, IsAsleep());
  c.Begin(Exit{.status = 3});
  EXPECT_THAT(wait.Finish(), FailsWith(ECHILD));
  d.Begin(Exit{});
  EXPECT_THAT(b.Do(Wait{.target = d.task()}), FailsWith(ECHILD));
}

}  // namespace
}  // namespace ipcspec
