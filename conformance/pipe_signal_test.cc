// Clauses of pipes: SIGPIPE, and signals that come while a call waits: pipe(7), signal(7),
// read(2), write(2).
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

constexpr int64_t kDefault = 65536;

CLAUSE(Pipe, SigpipeKills, "pipe(7)", "Writing without readers kills the writer by SIGPIPE") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.read});
  a.Must(Close{.fd = p.read});
  b.Begin(Write{.fd = p.write, .data = "x"});
  EXPECT_FALSE(b.alive());
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), GivesValues({SIGPIPE}));
}

CLAUSE(Pipe, IgnoredSigpipe, "pipe(7)",
       "With SIGPIPE ignored, writing without readers gives EPIPE") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EPIPE));
  EXPECT_THAT(a.Do(Sigpending{}), GivesValues({}));
}
PROVOKES(Pipe, IgnoredSigpipe, "pipe.7", "write(pipe)", "EPIPE",
         "no reader left (SIGPIPE ignored/blocked)");
PROVOKES(Pipe, IgnoredSigpipe, "write.2", "write(pipe/socket)", "EPIPE", "reading end closed");

CLAUSE(Pipe, HandledSigpipe, "pipe(7)",
       "A handler of SIGPIPE runs, and the write fails with EPIPE") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kHandleRestart});
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EPIPE));
  const std::vector<Event>& events = session().history().events;
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const Event& e) {
                            return e.kind == Event::Kind::kSignal && e.number == SIGPIPE;
                          }),
            1);
}

CLAUSE(Pipe, BlockedSigpipe, "pipe(7)", "With SIGPIPE blocked, EPIPE comes and the signal pends") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGPIPE});
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EPIPE));
  EXPECT_THAT(a.Do(Sigpending{}), GivesValues({SIGPIPE}));
}

CLAUSE(Pipe, SigpipeNonblocking, "pipe(7)", "O_NONBLOCK does not turn EPIPE into EAGAIN") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EPIPE));
}

CLAUSE(Pipe, LastReaderGoesWhileAWriterWaits, "pipe(7)",
       "A write that waits for room fails with EPIPE when the last reader goes") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.read});
  b.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  const Pending write = b.Begin(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Close{.fd = p.read});
  EXPECT_THAT(write.Finish(), FailsWith(EPIPE));
}

CLAUSE(Pipe, EveryWaitingWriterLearnsOfTheLastReader, "pipe(7)",
       "When the last reader dies every write that waits ends") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle reader = a.Fork();
  a.Must(Close{.fd = p.read});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Write{.fd = p.write, .data = "x"});
  const Pending second = c.Begin(Write{.fd = p.write, .data = Pattern('C', 0, 4096)});
  a.Must(Kill{.target = reader.task(), .signal = SIGKILL});
  EXPECT_THAT(first.Finish(), FailsWith(EPIPE));
  EXPECT_THAT(second.Finish(), FailsWith(EPIPE));
}

CLAUSE(Pipe, ReadIsInterrupted, "read(2)", "A handler without SA_RESTART ends a read with EINTR") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  const Pending read = b.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(read.Finish(), FailsWith(EINTR));
}
PROVOKES(Pipe, ReadIsInterrupted, "read.2", "read", "EINTR", "signal before any data");

CLAUSE(Pipe, ReadIsRestarted, "signal(7)", "A handler with SA_RESTART lets a read go on waiting") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending read = b.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(read, IsAsleep());
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(read.Finish(), Gives(1, "x"));
}

CLAUSE(Pipe, IgnoredSignalDoesNotInterrupt, "signal(7)", "An ignored signal ends no read") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kIgnore});
  const Pending read = b.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(read, IsAsleep());
}

CLAUSE(Pipe, BlockedSignalDoesNotInterrupt, "signal(7)", "A blocked signal ends no read") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR1});
  const Pending read = b.Begin(Read{.fd = p.read, .count = 1});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(read, IsAsleep());
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(read.Finish(), Gives(1, "x"));
  EXPECT_THAT(b.Do(Sigpending{}), GivesValues({SIGUSR1}));
}

CLAUSE(Pipe, WriteIsInterrupted, "write(2)",
       "A handler without SA_RESTART ends a write that has written nothing with EINTR") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  const Pending write = b.Begin(Write{.fd = p.write, .data = "x"});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(write.Finish(), FailsWith(EINTR));
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({kDefault}));
}
PROVOKES(Pipe, WriteIsInterrupted, "write.2", "write", "EINTR", "signal before any data written");

CLAUSE(Pipe, WriteIsRestarted, "signal(7)",
       "A handler with SA_RESTART lets a write that has written nothing go on waiting") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending write = b.Begin(Write{.fd = p.write, .data = "x"});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Read{.fd = p.read, .count = kDefault});
  EXPECT_THAT(write.Finish(), Gives(1));
}

// How a large write that has written a part ends when a handler runs.
void InterruptsLargeWrite(TaskHandle& a, Disposition disposition) {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = disposition});
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 9000)});
  EXPECT_THAT(write, IsAsleep());
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(write.Finish(), Gives(kDefault));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2 * kDefault}),
              Gives(kDefault, Pattern('A', 0, kDefault)));
}

CLAUSE(Pipe, InterruptedLargeWriteSaysHowMuch, "write(2)",
       "A write that a handler interrupts after a part returns the number of bytes written") {
  InterruptsLargeWrite(a, Disposition::kHandle);
}

CLAUSE(Pipe, InterruptedLargeWriteIsNotRestarted, "signal(7)",
       "SA_RESTART does not restart a write of which a part is done: it returns that number") {
  InterruptsLargeWrite(a, Disposition::kHandleRestart);
}

CLAUSE(Pipe, KilledLargeWriteLeavesItsPart, "write(2)",
       "What a killed writer had put into the pipe stays there") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Begin(Write{.fd = p.write, .data = Pattern('A', 0, kDefault + 9000)});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2 * kDefault}),
              Gives(kDefault, Pattern('A', 0, kDefault)));
}

CLAUSE(Pipe, KilledReaderTakesNothing, "read(2)", "A killed reader that waited takes no data") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Begin(Read{.fd = p.read, .count = 10});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  a.Must(Write{.fd = p.write, .data = "data"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 10}), Gives(4, "data"));
}

CLAUSE(Pipe, PollIsInterruptedInSpiteOfRestart, "signal(7)", "poll is never restarted: EINTR") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  const Pending poll = b.Begin(Poll{.fds = {{p.read, POLLIN}}});
  a.Must(Kill{.target = b.task(), .signal = SIGUSR1});
  EXPECT_THAT(poll.Finish(), FailsWith(EINTR));
}

CLAUSE(Pipe, ReadIntoBadBuffer, "read(2)", "A read into a bad buffer fails with EFAULT") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1, .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(1, "x"));
}
PROVOKES(Pipe, ReadIntoBadBuffer, "read.2", "read", "EFAULT", "bad buffer");

CLAUSE(Pipe, WriteFromBadBuffer, "write(2)",
       "A write from a bad buffer fails with EFAULT and writes nothing") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "abc", .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(Fionread{.fd = p.read}), GivesValues({0}));
}
PROVOKES(Pipe, WriteFromBadBuffer, "write.2", "write", "EFAULT", "bad buffer");

// Not drawn at random: the kernels that get it wrong would hide all else that programs show.
CLAUSE(Pipe, FailedWriteLeavesNothingToRead, "pipe(7)",
       "After a write that failed with EFAULT the pipe is as empty as before: not ready, EAGAIN") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Do(Write{.fd = p.write, .data = "abc", .memory = Memory::kBad});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), FailsWith(EAGAIN));
}

// Until Linux 6.15 a write left a buffer of no bytes when it could copy none.
constexpr char kEmptyBuffers[] = "Linux before 6.15 leaves an empty buffer";

CLAUSE(Pipe, FailedPacketLeavesNothingToRead, "pipe(2)",
       "With O_DIRECT a write that failed with EFAULT leaves no packet: a read is no end of file") {
  Requires(dialect().Since(6, 15), kEmptyBuffers);
  const PipeEnds p = a.Pipe(O_NONBLOCK | O_DIRECT);
  a.Do(Write{.fd = p.write, .data = "abc", .memory = Memory::kBad});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 9}), FailsWith(EAGAIN));
}

CLAUSE(Pipe, FailedWriteMakesNothingReady, "poll(2)",
       "After a write that failed with EFAULT an empty pipe is still not readable to poll") {
  Requires(dialect().Since(6, 15), kEmptyBuffers);
  const PipeEnds p = a.Pipe();
  a.Do(Write{.fd = p.write, .data = "abc", .memory = Memory::kBad});
  EXPECT_THAT(a.Do(Poll{.fds = {{.fd = p.read, .events = POLLIN}}, .timeout = 0}), Gives(0));
}

}  // namespace
}  // namespace ipcspec
