// Clauses of pipes: how they are made, read and written: pipe(2), pipe(7), read(2), write(2).
// Descriptors of the ends: pipe_descriptor_test.cc. Capacity, packets and readiness:
// pipe_capacity_test.cc. Signals: pipe_signal_test.cc.
#include <fcntl.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

constexpr int64_t kPipeBuf = 4096;   // PIPE_BUF on Linux, pipe(7)
constexpr int64_t kDefault = 65536;  // the capacity that a pipe starts with, pipe(7)

CLAUSE(Pipe, MakesTwoLowestDescriptors, "pipe(2)",
       "pipe gives two new descriptors, the read end first, each the lowest that is free") {
  const PipeEnds p = a.Pipe();
  EXPECT_EQ(p.read.value, 3);
  EXPECT_EQ(p.write.value, 4);
  a.Must(Close{.fd = 3});
  const PipeEnds q = a.Pipe();
  EXPECT_EQ(q.read.value, 3);
  EXPECT_EQ(q.write.value, 5);
}

CLAUSE(Pipe, BytesComeOutInOrder, "pipe(7)", "What is written comes out as it went in, in order") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "hello "}), Gives(6));
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "world"}), Gives(5));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(11, "hello world"));
}

CLAUSE(Pipe, HasNoMessageBoundaries, "pipe(7)",
       "A pipe is a byte stream: reads need not match writes") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "abcdef"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2}), Gives(2, "ab"));
  a.Must(Write{.fd = p.write, .data = "gh"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 5}), Gives(5, "cdefg"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 5}), Gives(1, "h"));
}

CLAUSE(Pipe, ReadTakesWhatIsThere, "read(2)",
       "A read of more than there is returns what there is, without waiting for the rest") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 5000)});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 60000}), Gives(5000, Pattern('A', 0, 5000)));
}

CLAUSE(Pipe, ReadOfNothing, "read(2)", "A read of zero bytes returns zero and takes nothing") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 0}), Gives(0));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(1, "x"));
}

CLAUSE(Pipe, ReadWaitsForData, "pipe(7)", "A read of an empty pipe waits until data arrives") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  const Pending read = b.Begin(Read{.fd = p.read, .count = 10});
  EXPECT_THAT(read, IsAsleep());
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), Gives(1));
  EXPECT_THAT(read.Finish(), Gives(1, "x"));
}

CLAUSE(Pipe, OneWriteFeedsOneReader, "pipe(7)",
       "Data goes to one reader only; another that waits goes on waiting") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Read{.fd = p.read, .count = 1});
  const Pending second = c.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(Write{.fd = p.write, .data = "y"});
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(Pipe, OneWriteFeedsSeveralReaders, "pipe(7)",
       "Data that one reader leaves goes to the next one that waits") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Read{.fd = p.read, .count = 1});
  const Pending second = c.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Write{.fd = p.write, .data = "xy"});
  EXPECT_FALSE(first.asleep() || second.asleep());
}

CLAUSE(Pipe, NonblockingReadOfEmptyPipe, "read(2)",
       "With O_NONBLOCK a read of an empty pipe that has writers fails with EAGAIN") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), FailsWith(EAGAIN));
}
PROVOKES(Pipe, NonblockingReadOfEmptyPipe, "pipe.7", "read(pipe,O_NONBLOCK)", "EAGAIN",
         "empty pipe with a writer still open");
PROVOKES(Pipe, NonblockingReadOfEmptyPipe, "read.2", "read(pipe/fifo)", "EAGAIN",
         "O_NONBLOCK and would block");

CLAUSE(Pipe, EndOfFile, "pipe(7)", "When no write end is left, a read gives end-of-file: zero") {
  const PipeEnds p = a.Pipe();
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(0));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(0));
}

CLAUSE(Pipe, EndOfFileNonblocking, "read(2)",
       "End-of-file shows with O_NONBLOCK too; it is not EAGAIN") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(0));
}

CLAUSE(Pipe, EndOfFileAfterTheData, "pipe(7)",
       "Data written before the last write end was closed is read before end-of-file") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "last"});
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2}), Gives(2, "la"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(2, "st"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(0));
}

CLAUSE(Pipe, EndOfFileNeedsEveryWriteEndClosed, "pipe(7)",
       "There is no end-of-file while any process has the write end open") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending read = b.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(read, IsAsleep());
  c.Must(Close{.fd = p.write});
  EXPECT_THAT(read, IsAsleep());  // b holds a write end itself
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(0));
}

CLAUSE(Pipe, ClosingTheLastWriteEndWakesReaders, "pipe(7)",
       "A read that waits sees end-of-file when the last write end is closed") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Close{.fd = p.write});
  c.Must(Close{.fd = p.write});
  const Pending first = b.Begin(Read{.fd = p.read, .count = 1});
  const Pending second = c.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
}

CLAUSE(Pipe, DeathOfTheLastWriterIsEndOfFile, "pipe(7)",
       "Exiting closes a process's write ends: its reader sees end-of-file") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  a.Must(Close{.fd = p.write});
  TaskHandle c = a.Fork();
  const Pending read = c.Begin(Read{.fd = p.read, .count = 1});
  b.Begin(Exit{.status = 0});
  EXPECT_THAT(read.Finish(), Gives(0));
}

CLAUSE(Pipe, KilledWriterIsEndOfFile, "pipe(7)",
       "A killed process's write ends are closed: its reader sees end-of-file") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  a.Must(Close{.fd = p.write});
  TaskHandle c = a.Fork();
  const Pending read = c.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(read.Finish(), Gives(0));
}

CLAUSE(Pipe, ReadvFillsBuffersInTurn, "readv(2)", "readv reads as one read of the sum of lengths") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "abcdefg"});
  EXPECT_THAT(a.Do(Readv{.fd = p.read, .counts = {2, 0, 3}}), Gives(5, "abcde"));
  EXPECT_THAT(a.Do(Readv{.fd = p.read, .counts = {1, 9}}), Gives(2, "fg"));
}

CLAUSE(Pipe, WritevWritesBuffersInTurn, "readv(2)", "writev writes its buffers as one write") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Writev{.fd = p.write, .data = {"ab", "", "cde"}}), Gives(5));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), Gives(5, "abcde"));
}

CLAUSE(Pipe, WritevUpToPipeBufIsAtomic, "pipe(7)",
       "A writev of up to PIPE_BUF bytes in all goes in whole or not at all") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(SetPipeSize{.fd = p.write, .size = kPipeBuf});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 2100)});
  EXPECT_THAT(a.Do(Writev{.fd = p.write, .data = {Pattern('B', 0, 1000), Pattern('C', 0, 1000)}}),
              FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9999}), Gives(2100, Pattern('A', 0, 2100)));
}

CLAUSE(Pipe, FionreadCountsUnreadBytes, "pipe(7)", "FIONREAD gives the number of unread bytes") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({0}));
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 4500)});
  a.Must(Write{.fd = p.write, .data = "xyz"});
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({4503}));
  a.Must(Read{.fd = p.read, .count = 4100});
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({403}));
}

CLAUSE(Pipe, SmallWriteIsAllOrNothing, "pipe(7)",
       "With O_NONBLOCK a write of up to PIPE_BUF bytes without room for all of them fails with "
       "EAGAIN and writes none") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(SetPipeSize{.fd = p.write, .size = kPipeBuf});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 3000)});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = Pattern('B', 0, 1500)}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({3000}));
}
PROVOKES(Pipe, SmallWriteIsAllOrNothing, "pipe.7", "write(pipe,O_NONBLOCK)", "EAGAIN",
         "n<=PIPE_BUF and not enough room for all of it");
PROVOKES(Pipe, SmallWriteIsAllOrNothing, "write.2", "write(pipe/fifo)", "EAGAIN",
         "O_NONBLOCK and would block");

CLAUSE(Pipe, BlockingSmallWriteWaitsForRoomForAll, "pipe(7)",
       "A write of up to PIPE_BUF bytes waits until all of it fits, and then goes in at once") {
  const PipeEnds p = a.Pipe();
  a.Must(SetPipeSize{.fd = p.write, .size = kPipeBuf});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 4096)});
  TaskHandle b = a.Fork();
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('B', 0, 4096)});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Read{.fd = p.read, .count = 4095});
  a.Must(Read{.fd = p.read, .count = 1});
  EXPECT_THAT(write.Finish(), Gives(4096));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9999}), Gives(4096, Pattern('B', 0, 4096)));
}

CLAUSE(Pipe, LargeNonblockingWriteIsPartial, "pipe(7)",
       "With O_NONBLOCK a write of more than PIPE_BUF bytes may write a part, and says how much") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  const Outcome write = a.Do(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 5000)});
  ASSERT_THAT(write.error, 0);
  EXPECT_LT(write.ret, kDefault + 5000);
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({write.ret}));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault + 5000}),
              Gives(write.ret, Pattern('A', 0, write.ret)));
}

CLAUSE(Pipe, LargeNonblockingWriteToFullPipe, "pipe(7)",
       "With O_NONBLOCK a write of more than PIPE_BUF bytes to a full pipe fails with EAGAIN") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = Pattern('B', 0, 5000)}), FailsWith(EAGAIN));
}
PROVOKES(Pipe, LargeNonblockingWriteToFullPipe, "pipe.7", "write(pipe,O_NONBLOCK)", "EAGAIN",
         "n>PIPE_BUF and pipe completely full");

CLAUSE(Pipe, LargeBlockingWriteWritesAll, "pipe(7)",
       "A blocking write of more than fits goes on as room appears, until all is written") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  const int64_t size = kDefault + 20000;
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, size)});
  EXPECT_THAT(write, IsAsleep());
  std::string got;
  while (static_cast<int64_t>(got.size()) < size) {
    got += a.Do(Read{.fd = p.read, .count = 9000}).data;
  }
  EXPECT_THAT(write.Finish(), Gives(size));
  EXPECT_EQ(got, Pattern('A', 0, size));
}

CLAUSE(Pipe, BlockedWriteGoesOnWhenThePipeIsRead, "pipe(7)",
       "A write to a full pipe waits until enough has been read") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork();
  const Pending write = b.Begin(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Read{.fd = p.read, .count = kDefault});
  EXPECT_THAT(write.Finish(), Gives(1));
}

CLAUSE(Pipe, SeveralBlockedWritersGoOn, "pipe(7)",
       "When a full pipe is emptied, every write that waits and fits goes on") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  const Pending first = b.Begin(Write{.fd = p.write, .data = Pattern('B', 0, 100)});
  const Pending second = c.Begin(Write{.fd = p.write, .data = Pattern('C', 0, 4096)});
  const Pending third = d.Begin(Write{.fd = p.write, .data = Pattern('D', 0, 2000)});
  a.Must(Read{.fd = p.read, .count = kDefault});
  EXPECT_THAT(first.Finish(), Gives(100));
  EXPECT_THAT(second.Finish(), Gives(4096));
  EXPECT_THAT(third.Finish(), Gives(2000));
}

CLAUSE(Pipe, WriteOfNothing, "write(2)",
       "A write of zero bytes to a pipe with readers gives zero") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = ""}), Gives(0));
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({0}));
}

EXCUSED("pipe.2", "pipe,pipe2", "ENFILE", "system file-table limit hit",
        "the table is the whole machine's: filling it would harm whoever else runs there");
EXCUSED("pipe.2", "pipe,pipe2", "ENFILE", "user hard limit on pipe pages hit, unprivileged",
        "the limit is off by default, and it is the whole machine's to set");
EXCUSED("pipe.7", "open(/proc)+write(pipe-max-size)", "EINVAL",
        "value written to pipe-max-size below one page",
        "the setting is the whole machine's: a kernel that took the value would be left changed");

}  // namespace
}  // namespace ipcspec
