// Clauses of pipes: the descriptors of the two ends: who has them, their flags, what else they can
// do and cannot: pipe(2), dup(2), fcntl(2), lseek(2), stat(2).
#include <fcntl.h>
#include <sys/stat.h>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

CLAUSE(Pipe, ForkSharesTheEnds, "pipe(7)", "A child has its parent's pipe ends") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Write{.fd = p.write, .data = "from b"}), Gives(6));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(6, "from b"));
}

CLAUSE(Pipe, DupSharesTheEnd, "dup(2)",
       "A duplicate is the same end: it stays open until all duplicates are closed") {
  const PipeEnds p = a.Pipe();
  const Fd copy = a.Must(Dup{.fd = p.write});
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(a.Do(Write{.fd = copy, .data = "x"}), Gives(1));
  a.Must(Close{.fd = copy});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(1, "x"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(0));
}

CLAUSE(Pipe, Dup2ClosesItsTarget, "dup(2)",
       "dup2 onto the last write end closes that end: readers see end-of-file") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Dup2{.fd = p.read, .to = p.write}), Gives(p.write.value));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(0));
}

CLAUSE(Pipe, NonblockIsSharedByDuplicates, "open(2)",
       "O_NONBLOCK belongs to the open file description: duplicates and children share it") {
  const PipeEnds p = a.Pipe();
  const Fd copy = a.Must(Dup{.fd = p.read});
  TaskHandle b = a.Fork();
  a.Must(SetStatusFlags{.fd = copy, .flags = O_NONBLOCK});
  EXPECT_THAT(b.Do(Read{.fd = p.read, .count = 1}), FailsWith(EAGAIN));
  b.Must(SetStatusFlags{.fd = p.read, .flags = 0});
  EXPECT_THAT(a.Do(GetStatusFlags{.fd = copy}), Gives(O_RDONLY));
}

CLAUSE(Pipe, EndsHaveTheirOwnStatusFlags, "pipe(2)",
       "The two ends are separate open file descriptions: O_NONBLOCK on one leaves the other") {
  const PipeEnds p = a.Pipe();
  a.Must(SetStatusFlags{.fd = p.read, .flags = O_NONBLOCK});
  EXPECT_THAT(a.Do(GetStatusFlags{.fd = p.read}), Gives(O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(a.Do(GetStatusFlags{.fd = p.write}), Gives(O_WRONLY));
}

CLAUSE(Pipe, Pipe2Nonblock, "pipe(2)", "O_NONBLOCK given to pipe2 is set on both ends") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  EXPECT_THAT(a.Do(GetStatusFlags{.fd = p.read}), Gives(O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(a.Do(GetStatusFlags{.fd = p.write}), Gives(O_WRONLY | O_NONBLOCK));
}

CLAUSE(Pipe, Pipe2CloseOnExec, "pipe(2)",
       "O_CLOEXEC given to pipe2 closes both ends on exec; without it they stay open") {
  const PipeEnds kept = a.Pipe(), gone = a.Pipe(O_CLOEXEC);
  EXPECT_THAT(a.Do(GetFdFlags{.fd = gone.read}), Gives(FD_CLOEXEC));
  EXPECT_THAT(a.Do(GetFdFlags{.fd = kept.read}), Gives(0));
  a.Must(Exec{});
  EXPECT_THAT(a.Do(Write{.fd = kept.write, .data = "x"}), Gives(1));
  EXPECT_THAT(a.Do(Read{.fd = gone.read, .count = 1}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Close{.fd = gone.write}), FailsWith(EBADF));
}

CLAUSE(Pipe, ExecClosesTheLastWriteEnd, "execve(2)",
       "A write end closed on exec counts as closed: the reader sees end-of-file") {
  const PipeEnds p = a.Pipe(O_CLOEXEC);
  TaskHandle b = a.Fork();
  a.Must(Close{.fd = p.write});
  b.Must(Exec{});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(0));
}

CLAUSE(Pipe, CloseOnExecIsPerDescriptor, "fcntl(2)",
       "FD_CLOEXEC belongs to the descriptor: a duplicate does not have it") {
  const PipeEnds p = a.Pipe(O_CLOEXEC);
  const Fd copy = a.Must(Dup{.fd = p.read});
  EXPECT_THAT(a.Do(GetFdFlags{.fd = copy}), Gives(0));
  a.Must(SetFdFlags{.fd = p.read, .flags = 0});
  EXPECT_THAT(a.Do(GetFdFlags{.fd = p.read}), Gives(0));
}

CLAUSE(Pipe, Pipe2UnknownFlag, "pipe(2)", "pipe2 refuses flags that it does not know") {
  EXPECT_THAT(a.Do(MakePipe{.flags = O_APPEND}), FailsWith(EINVAL));
  EXPECT_EQ(a.Pipe().read.value, 3);  // nothing was left open
}
PROVOKES(Pipe, Pipe2UnknownFlag, "pipe.2", "pipe2", "EINVAL", "unknown flag bit");

CLAUSE(Pipe, Pipe2BadPointer, "pipe(2)",
       "With a bad result pointer pipe2 fails and leaves no descriptor open") {
  EXPECT_THAT(a.Do(MakePipe{.result = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_EQ(a.Pipe().read.value, 3);
}
PROVOKES(Pipe, Pipe2BadPointer, "pipe.2", "pipe,pipe2", "EFAULT", "result array pointer is bad");

CLAUSE(Pipe, DescriptorLimit, "pipe(2)",
       "Where two descriptors would pass RLIMIT_NOFILE, pipe fails and opens none") {
  a.Must(LimitDescriptors{.count = 4});
  EXPECT_THAT(a.Do(MakePipe{}), FailsWith(EMFILE));
  EXPECT_EQ(a.Must(Dup{.fd = 0}), 3);
}
PROVOKES(Pipe, DescriptorLimit, "pipe.2", "pipe,pipe2", "EMFILE", "per-process fd limit hit");

CLAUSE(Pipe, ReadEndCannotBeWritten, "pipe(7)", "The read end is not open for writing") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Write{.fd = p.read, .data = "x"}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Write{.fd = 99, .data = "x"}), FailsWith(EBADF));
}
PROVOKES(Pipe, ReadEndCannotBeWritten, "write.2", "write", "EBADF",
         "bad fd or not open for writing");

CLAUSE(Pipe, WriteEndCannotBeRead, "pipe(7)", "The write end is not open for reading") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Read{.fd = p.write, .count = 1}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Read{.fd = 99, .count = 1}), FailsWith(EBADF));
}
PROVOKES(Pipe, WriteEndCannotBeRead, "read.2", "read", "EBADF", "bad fd or not open for reading");

CLAUSE(Pipe, CannotSeek, "pipe(7)", "A pipe has no file offset: lseek fails with ESPIPE") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Lseek{.fd = p.read, .offset = 0}), FailsWith(ESPIPE));
  EXPECT_THAT(a.Do(Lseek{.fd = p.write, .offset = 1}), FailsWith(ESPIPE));
}

CLAUSE(Pipe, FstatSaysFifo, "stat(2)", "fstat calls a pipe a FIFO") {
  const PipeEnds p = a.Pipe();
  for (const Fd& end : {p.read, p.write}) {
    const Outcome stat = a.Do(Fstat{.fd = end});
    ASSERT_EQ(stat.values.size(), 4u);
    EXPECT_TRUE(S_ISFIFO(stat.values[0]));
  }
}

}  // namespace
}  // namespace ipcspec
