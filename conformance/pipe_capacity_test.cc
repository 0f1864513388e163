// Clauses of pipes: capacity (fcntl(2) F_GETPIPE_SZ, F_SETPIPE_SZ), packets (pipe(2) O_DIRECT) and
// readiness (poll(2)).
#include <fcntl.h>
#include <poll.h>

#include <string>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

constexpr int64_t kPage = 4096;
constexpr int64_t kDefault = 65536;  // pipe(7), since Linux 2.6.11

CLAUSE(Pipe, DefaultCapacity, "pipe(7)", "A pipe starts with a capacity of 16 pages, 65536 bytes") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(GetPipeSize{.fd = p.read}), Gives(kDefault));
  EXPECT_THAT(a.Do(GetPipeSize{.fd = p.write}), Gives(kDefault));
}

CLAUSE(Pipe, HoldsItsCapacity, "pipe(7)",
       "Page-sized writes fill a pipe to its capacity, no more") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  for (int64_t i = 0; i < kDefault / kPage; ++i) {
    ASSERT_THAT(a.Do(Write{.fd = p.write, .data = Pattern('A', i * kPage, kPage)}), Gives(kPage));
  }
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2 * kDefault}),
              Gives(kDefault, Pattern('A', 0, kDefault)));
}

CLAUSE(Pipe, CapacityIsRoundedUp, "fcntl(2)",
       "F_SETPIPE_SZ gives at least what was asked for, and returns what it set") {
  const PipeEnds p = a.Pipe();
  const int64_t size = a.Must(SetPipeSize{.fd = p.write, .size = 3 * kPage + 1});
  EXPECT_GE(size, 3 * kPage + 1);
  EXPECT_THAT(a.Do(GetPipeSize{.fd = p.read}), Gives(size));
}

CLAUSE(Pipe, CapacityIsAtLeastAPage, "fcntl(2)",
       "F_SETPIPE_SZ below the page size sets a page without complaint") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(SetPipeSize{.fd = p.read, .size = 1}), Gives(kPage));
}

CLAUSE(Pipe, SmallCapacityHolds, "fcntl(2)",
       "A pipe made smaller takes no more than its capacity") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(SetPipeSize{.fd = p.write, .size = 2 * kPage});
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = Pattern('A', 0, 5 * kPage)}), Gives(2 * kPage));
  EXPECT_THAT(a.Do(Write{.fd = p.write, .data = "x"}), FailsWith(EAGAIN));
}

CLAUSE(Pipe, GrowingMakesRoom, "fcntl(2)",
       "A larger capacity takes more data at once, and a write that waits for room goes on") {
  const PipeEnds p = a.Pipe();
  a.Must(SetPipeSize{.fd = p.write, .size = kPage});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kPage)});
  TaskHandle b = a.Fork();
  const Pending write = b.Begin(Write{.fd = p.write, .data = Pattern('B', 0, kPage)});
  EXPECT_THAT(write, IsAsleep());
  a.Must(SetPipeSize{.fd = p.write, .size = 4 * kPage});
  EXPECT_THAT(write.Finish(), Gives(kPage));
}

CLAUSE(Pipe, ResizingKeepsTheData, "fcntl(2)", "Data stays in a pipe whose capacity changes") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 6000)});
  a.Must(SetPipeSize{.fd = p.write, .size = 2 * kDefault});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 6000, 3000)});
  a.Must(SetPipeSize{.fd = p.write, .size = 4 * kPage});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}), Gives(9000, Pattern('A', 0, 9000)));
}

CLAUSE(Pipe, ResizingKeepsTheOrder, "fcntl(2)",
       "Data stays in order whatever had been read and written before the capacity changes") {
  // Every position of the unread data in the kernel's ring, whose size is no business of ours.
  for (int64_t skipped = 0; skipped <= 16; ++skipped) {
    const PipeEnds p = a.Pipe();
    int64_t in = 0, out = 0;
    const auto write_page = [&] {
      a.Must(Write{.fd = p.write, .data = Pattern('A', in, kPage)});
      in += kPage;
    };
    for (int64_t i = 0; i < skipped; ++i) {
      write_page();
      EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kPage}), Gives(kPage, Pattern('A', out, kPage)));
      out += kPage;
    }
    for (int i = 0; i < 5; ++i) write_page();
    a.Must(SetPipeSize{.fd = p.write, .size = (skipped % 2 == 0 ? 8 : 32) * kPage});
    EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}),
                Gives(in - out, Pattern('A', out, in - out)));
    a.Must(Close{.fd = p.read});
    a.Must(Close{.fd = p.write});
  }
}

CLAUSE(Pipe, ShrinkingBelowTheDataIsRefused, "fcntl(2)",
       "F_SETPIPE_SZ to less than the pipe holds fails with EBUSY and changes nothing") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 3 * kPage)});
  EXPECT_THAT(a.Do(SetPipeSize{.fd = p.write, .size = kPage}), FailsWith(EBUSY));
  EXPECT_THAT(a.Do(GetPipeSize{.fd = p.write}), Gives(kDefault));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}),
              Gives(3 * kPage, Pattern('A', 0, 3 * kPage)));
}
PROVOKES(Pipe, ShrinkingBelowTheDataIsRefused, "fcntl.2", "fcntl(F_SETPIPE_SZ)", "EBUSY",
         "new capacity below data now held");

CLAUSE(Pipe, UnprivilegedCapacityLimit, "fcntl(2)",
       "Above /proc/sys/fs/pipe-max-size an unprivileged F_SETPIPE_SZ fails with EPERM") {
  RequiresOtherUsers();
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const PipeEnds p = b.Pipe();
  EXPECT_THAT(b.Do(SetPipeSize{.fd = p.write, .size = 2 * dialect().pipe_max_size}),
              FailsWith(EPERM));
  EXPECT_THAT(b.Do(GetPipeSize{.fd = p.write}), Gives(kDefault));
}
PROVOKES(Pipe, UnprivilegedCapacityLimit, "fcntl.2", "fcntl(F_SETPIPE_SZ)", "EPERM",
         "soft/hard user pipe limit or pipe-max-size, unprivileged");

CLAUSE(Pipe, PrivilegedCapacity, "fcntl(2)",
       "With CAP_SYS_RESOURCE the capacity can pass /proc/sys/fs/pipe-max-size") {
  Requires(dialect().cap_sys_resource, "this run has no CAP_SYS_RESOURCE");
  const PipeEnds p = a.Pipe();
  EXPECT_GE(a.Must(SetPipeSize{.fd = p.write, .size = 2 * dialect().pipe_max_size}),
            2 * dialect().pipe_max_size);
}

CLAUSE(Pipe, CapacityOfSomethingElse, "fcntl(2)",
       "F_GETPIPE_SZ and F_SETPIPE_SZ fail with EBADF on what is not a pipe") {
  EXPECT_THAT(a.Do(GetPipeSize{.fd = 0}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(SetPipeSize{.fd = 0, .size = kPage}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(GetPipeSize{.fd = 99}), FailsWith(EBADF));
}
PROVOKES(Pipe, CapacityOfSomethingElse, "fcntl.2", "fcntl", "EBADF", "bad fd");

CLAUSE(Pipe, PacketsKeepTheirBounds, "pipe(2)",
       "With O_DIRECT each write is a packet, and each read takes one") {
  const PipeEnds p = a.Pipe(O_DIRECT);
  a.Must(Write{.fd = p.write, .data = "one"});
  a.Must(Write{.fd = p.write, .data = "second"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(3, "one"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(6, "second"));
}

CLAUSE(Pipe, ShortReadDiscardsTheRestOfThePacket, "pipe(2)",
       "A read shorter than the packet takes its beginning; the rest is gone") {
  const PipeEnds p = a.Pipe(O_DIRECT);
  a.Must(Write{.fd = p.write, .data = "abcdef"});
  a.Must(Write{.fd = p.write, .data = "next"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 2}), Gives(2, "ab"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(4, "next"));
}

CLAUSE(Pipe, LargeWriteBecomesSeveralPackets, "pipe(2)",
       "With O_DIRECT a write of more than PIPE_BUF bytes is split into packets of PIPE_BUF") {
  const PipeEnds p = a.Pipe(O_DIRECT);
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 2 * kPage + 5)});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}), Gives(kPage, Pattern('A', 0, kPage)));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}),
              Gives(kPage, Pattern('A', kPage, kPage)));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = kDefault}), Gives(5, Pattern('A', 2 * kPage, 5)));
}

CLAUSE(Pipe, PacketModeCanBeSwitched, "pipe(2)",
       "F_SETFL O_DIRECT on the write end makes packets") {
  const PipeEnds p = a.Pipe();
  a.Must(SetStatusFlags{.fd = p.write, .flags = O_DIRECT});
  a.Must(Write{.fd = p.write, .data = "one"});
  a.Must(Write{.fd = p.write, .data = "two"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(3, "one"));
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 1}), Gives(1, "t"));
  a.Must(SetStatusFlags{.fd = p.write, .flags = 0});
  a.Must(Write{.fd = p.write, .data = "a"});
  a.Must(Write{.fd = p.write, .data = "b"});
  EXPECT_THAT(a.Do(Read{.fd = p.read, .count = 100}), Gives(2, "ab"));
}

CLAUSE(Pipe, PollEmptyPipe, "poll(2)", "An empty pipe is ready for writing, not for reading") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Poll{.fds = {{p.read, POLLIN}, {p.write, POLLOUT}}, .timeout = 0}),
              GivesValues({0, POLLOUT}));
}

CLAUSE(Pipe, PollPipeWithData, "poll(2)", "A pipe that holds data is ready for reading") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "x"});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.read, POLLIN}}, .timeout = 0}), GivesValues({POLLIN}));
  a.Must(Read{.fd = p.read, .count = 1});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.read, POLLIN}}, .timeout = 0}), GivesValues({0}));
}

CLAUSE(Pipe, PollFullPipe, "poll(2)", "A full pipe is not ready for writing until it is read") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.write, POLLOUT}}, .timeout = 0}), GivesValues({0}));
  a.Must(Read{.fd = p.read, .count = kDefault});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.write, POLLOUT}}, .timeout = 0}), GivesValues({POLLOUT}));
}

CLAUSE(Pipe, PollWithoutWriters, "poll(2)",
       "A read end without writers shows POLLHUP, with POLLIN while data is left") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "x"});
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.read, POLLIN}}, .timeout = 0}), GivesValues({POLLIN | POLLHUP}));
  a.Must(Read{.fd = p.read, .count = 1});
  EXPECT_THAT(a.Do(Poll{.fds = {{p.read, 0}}, .timeout = 0}), GivesValues({POLLHUP}));
}

CLAUSE(Pipe, PollWithoutReaders, "poll(2)", "A write end without readers shows POLLERR") {
  const PipeEnds p = a.Pipe();
  a.Must(Close{.fd = p.read});
  const Outcome poll = a.Do(Poll{.fds = {{p.write, POLLOUT}}, .timeout = 0});
  ASSERT_EQ(poll.values.size(), 1u);
  EXPECT_TRUE((poll.values[0] & POLLERR) != 0);
}

CLAUSE(Pipe, PollWaits, "poll(2)", "poll waits until one of its descriptors is ready") {
  const PipeEnds p = a.Pipe(), q = a.Pipe();
  TaskHandle b = a.Fork();
  const Pending poll = b.Begin(Poll{.fds = {{p.read, POLLIN}, {q.read, POLLIN}}});
  EXPECT_THAT(poll, IsAsleep());
  a.Must(Write{.fd = q.write, .data = "x"});
  EXPECT_THAT(poll.Finish(), GivesValues({0, POLLIN}));
}

CLAUSE(Pipe, PollSeesTheLastWriterGo, "poll(2)", "poll that waits sees the last write end close") {
  const PipeEnds p = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.write});
  const Pending poll = b.Begin(Poll{.fds = {{p.read, POLLIN}}});
  EXPECT_THAT(poll, IsAsleep());
  a.Must(Close{.fd = p.write});
  EXPECT_THAT(poll.Finish(), GivesValues({POLLHUP}));
}

CLAUSE(Pipe, PollSeesTheLastReaderGo, "poll(2)",
       "poll on a full pipe sees the last read end close") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kDefault)});
  TaskHandle b = a.Fork();
  b.Must(Close{.fd = p.read});
  const Pending poll = b.Begin(Poll{.fds = {{p.write, POLLOUT}}});
  EXPECT_THAT(poll, IsAsleep());
  a.Must(Close{.fd = p.read});
  const Outcome outcome = poll.Finish();
  EXPECT_EQ(outcome.ret, 1);
}

CLAUSE(Pipe, PollClosedDescriptor, "poll(2)", "A descriptor that is not open shows POLLNVAL") {
  EXPECT_THAT(a.Do(Poll{.fds = {{99, POLLIN}, {-1, POLLIN}}, .timeout = 0}),
              GivesValues({POLLNVAL, 0}));
}

CLAUSE(Pipe, PollTimesOut, "poll(2)",
       "poll returns zero when its time is over and nothing is ready") {
  const PipeEnds p = a.Pipe();
  const Pending poll = a.Begin(Poll{.fds = {{p.read, POLLIN}}, .timeout = 20'000'000});
  a.AwaitReturn();
  EXPECT_THAT(poll.Finish(), GivesValues({0}));
}

EXCUSED("read.2", "read", "EINVAL", "object unsuitable for reading (eventfd short buffer etc.)",
        "no pipe is unsuitable; the row belongs to eventfd");
EXCUSED("write.2", "write", "EINVAL", "object unsuitable for writing",
        "no pipe is unsuitable; the row belongs to other objects");

}  // namespace
}  // namespace ipcspec
