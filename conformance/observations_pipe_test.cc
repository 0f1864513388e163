// Observations of pipes and FIFOs.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <string>

#include "conformance/observe.h"
#include "impl/call/bytes.h"
#include "impl/call/cat.h"

namespace ipcspec {
namespace {

constexpr int64_t kPage = 4096;

OBSERVATION(Pipe, DescriptorNumbers, "pipe(2)", "the two numbers of the first pipe of a task") {
  const PipeEnds p = a.Pipe();
  return ToldAll({p.read.value, p.write.value});
}

OBSERVATION(Pipe, DefaultCapacity, "pipe(7)", "F_GETPIPE_SZ of a new pipe") {
  return Told(a.Do(GetPipeSize{.fd = a.Pipe().read}));
}

OBSERVATION(Pipe, SmallestCapacity, "fcntl(2)", "F_SETPIPE_SZ of 0, 1 and a page") {
  const PipeEnds p = a.Pipe();
  std::string text;
  for (const int64_t size : {int64_t{0}, int64_t{1}, kPage}) {
    Append(&text, text.empty() ? "" : " ", Told(a.Do(SetPipeSize{.fd = p.write, .size = size})));
  }
  return text;
}

OBSERVATION(Pipe, RoundedCapacity, "fcntl(2)", "F_SETPIPE_SZ of sizes that are no power of two") {
  const PipeEnds p = a.Pipe();
  std::string text;
  for (const int64_t size : {kPage + 1, 3 * kPage, 70000L, 200000L}) {
    Append(&text, text.empty() ? "" : " ", Told(a.Do(SetPipeSize{.fd = p.write, .size = size})));
  }
  return text;
}

OBSERVATION(Pipe, CapacityAboveTheLimit, "fcntl(2)", "F_SETPIPE_SZ of 1 GiB by user 0") {
  return Told(a.Do(SetPipeSize{.fd = a.Pipe().write, .size = int64_t{1} << 31}));
}

OBSERVATION(Pipe, ShrinkingBelowContents, "fcntl(2)", "F_SETPIPE_SZ that would not hold the data") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 3 * kPage)});
  return Told(a.Do(SetPipeSize{.fd = p.write, .size = kPage}));
}

// How much goes into a pipe of four pages by writes of this size that do not wait.
std::string Fill(TaskHandle& a, int64_t size) {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(SetPipeSize{.fd = p.write, .size = 4 * kPage});
  return UntilItFails(a, Write{.fd = p.write, .data = Pattern('A', 0, size)});
}
OBSERVATION(Pipe, FilledByBytes, "pipe(7)", "what writes of 10 bytes put into four pages") {
  return Fill(a, 10);
}
OBSERVATION(Pipe, FilledByHalfPages, "pipe(7)", "what writes of 2049 bytes put into four pages") {
  return Fill(a, kPage / 2 + 1);
}
OBSERVATION(Pipe, FilledByPages, "pipe(7)", "what writes of a page put into four pages") {
  return Fill(a, kPage);
}
OBSERVATION(Pipe, FilledByMoreThanPages, "pipe(7)",
            "what writes of 4097 bytes put into four pages") {
  return Fill(a, kPage + 1);
}
OBSERVATION(Pipe, FilledByLargeWrites, "pipe(7)", "what writes of 5000 bytes put into four pages") {
  return Fill(a, 5000);
}

OBSERVATION(Pipe, PartialWriteBehindData, "pipe(7)",
            "a write of 100000 bytes that does not wait, behind 100 bytes") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 100)});
  return Told(a.Do(Write{.fd = p.write, .data = Pattern('B', 0, 100000)}));
}

OBSERVATION(Pipe, RoomAfterReadingAByte, "pipe(7)", "a write of a byte when a full pipe lost one") {
  const PipeEnds p = a.Pipe(O_NONBLOCK);
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, 65536)});
  a.Must(Read{.fd = p.read, .count = 1});
  return Told(a.Do(Write{.fd = p.write, .data = "x"}));
}

int64_t Events(TaskHandle& a, Fd fd) {
  const Outcome outcome = a.Do(Poll{.fds = {{fd, POLLIN | POLLOUT}}, .timeout = 0});
  return outcome.values.empty() ? -1 : outcome.values[0];
}

OBSERVATION(Pipe, EventsWithoutWriter, "poll(2)",
            "revents of the read end, with data and without") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "x"});
  a.Must(Close{.fd = p.write});
  const int64_t with = Events(a, p.read);
  a.Must(Read{.fd = p.read, .count = 1});
  return ToldAll({with, Events(a, p.read)});
}

OBSERVATION(Pipe, EventsWithoutReader, "poll(2)", "revents of the write end, empty and full") {
  const PipeEnds p = a.Pipe(O_NONBLOCK), q = a.Pipe(O_NONBLOCK);
  a.Must(Write{.fd = q.write, .data = Pattern('A', 0, 65536)});
  a.Must(Close{.fd = p.read});
  a.Must(Close{.fd = q.read});
  return ToldAll({Events(a, p.write), Events(a, q.write)});
}

OBSERVATION(Pipe, EventsOfTheOtherKind, "poll(2)", "revents of each end, asked for both") {
  const PipeEnds p = a.Pipe();
  return ToldAll({Events(a, p.read), Events(a, p.write)});
}

OBSERVATION(Pipe, BadBufferOfWrongEnd, "write(2)", "EBADF or EFAULT, where both apply") {
  return Told(a.Do(Write{.fd = a.Pipe().read, .data = "x", .memory = Memory::kBad}));
}

OBSERVATION(Pipe, BadBufferWithoutReader, "write(2)", "EPIPE or EFAULT, where both apply") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  a.Must(Close{.fd = p.read});
  return Told(a.Do(Write{.fd = p.write, .data = "x", .memory = Memory::kBad}));
}

OBSERVATION(Pipe, BadBufferOfEmptyPipe, "read(2)", "EAGAIN or EFAULT, where both apply") {
  return Told(a.Do(Read{.fd = a.Pipe(O_NONBLOCK).read, .count = 1, .memory = Memory::kBad}));
}

OBSERVATION(Pipe, ReadOfNothing, "read(2)", "a read of 0 bytes from an empty pipe") {
  return Told(a.Do(Read{.fd = a.Pipe(O_NONBLOCK).read, .count = 0}));
}

OBSERVATION(Pipe, WriteOfNothingWithoutReader, "write(2)", "a write of 0 bytes nobody can read") {
  const PipeEnds p = a.Pipe();
  a.Must(Sigaction{.signal = SIGPIPE, .disposition = Disposition::kIgnore});
  a.Must(Close{.fd = p.read});
  return Told(a.Do(Write{.fd = p.write, .data = ""}));
}

OBSERVATION(Pipe, UnreadBytesOfWriteEnd, "ioctl(2)", "FIONREAD on the write end") {
  const PipeEnds p = a.Pipe();
  a.Must(Write{.fd = p.write, .data = "abc"});
  return ToldValue(a.Do(Fionread{.fd = p.write}), 0);
}

OBSERVATION(Pipe, ModeAndLinks, "fstat(2)", "st_mode and st_nlink of a pipe") {
  const Outcome stat = a.Do(Fstat{.fd = a.Pipe().read});
  return Cat(ToldMode(stat, 0), " ", ToldValue(stat, 3));
}

OBSERVATION(Pipe, CapacityOfNoPipe, "fcntl(2)", "F_GETPIPE_SZ of /dev/null") {
  return Told(a.Do(GetPipeSize{.fd = 0}));
}

OBSERVATION(Pipe, OrderOfReaders, "pipe(7)", "which of three sleeping readers each byte goes to") {
  const PipeEnds p = a.Pipe();
  return WakeOrder(a, Read{.fd = p.read, .count = 1}, 3,
                   [&] { a.Must(Write{.fd = p.write, .data = "x"}); });
}

OBSERVATION(Pipe, OrderOfWriters, "pipe(7)", "which of three sleeping writers each page goes to") {
  const PipeEnds p = a.Pipe();
  a.Must(SetPipeSize{.fd = p.write, .size = kPage});
  a.Must(Write{.fd = p.write, .data = Pattern('A', 0, kPage)});
  return WakeOrder(a, Write{.fd = p.write, .data = Pattern('B', 0, kPage)}, 3,
                   [&] { a.Must(Read{.fd = p.read, .count = kPage}); });
}

OBSERVATION(Pipe, ReadOfTwoPackets, "pipe(2)",
            "what a large read takes of two packets (O_DIRECT)") {
  const PipeEnds p = a.Pipe(O_DIRECT);
  a.Must(Write{.fd = p.write, .data = "ab"});
  a.Must(Write{.fd = p.write, .data = "cde"});
  return Told(a.Do(Read{.fd = p.read, .count = 100}));
}

OBSERVATION(Fifo, EventsBeforeAnyWriter, "poll(2)", "revents of a FIFO nobody has written to") {
  a.Must(Mkfifo{.path = "f"});
  return ToldAll({Events(a, a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK}))});
}

OBSERVATION(Fifo, EventsAfterTheLastWriter, "poll(2)", "revents of a FIFO whose writer has left") {
  a.Must(Mkfifo{.path = "f"});
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY | O_NONBLOCK});
  a.Must(Close{.fd = a.Must(Open{.path = "f", .flags = O_WRONLY})});
  return ToldAll({Events(a, r)});
}

OBSERVATION(Fifo, CapacityAfterReopening, "fifo(7)", "F_GETPIPE_SZ when all had closed it") {
  a.Must(Mkfifo{.path = "f"});
  const Fd fd = a.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(SetPipeSize{.fd = fd, .size = kPage});
  a.Must(Close{.fd = fd});
  return Told(a.Do(GetPipeSize{.fd = a.Must(Open{.path = "f", .flags = O_RDWR})}));
}

OBSERVATION(Fifo, OrderOfReaders, "fifo(7)", "which of three sleeping readers each byte goes to") {
  a.Must(Mkfifo{.path = "f"});
  const Fd fd = a.Must(Open{.path = "f", .flags = O_RDWR});
  return WakeOrder(a, Read{.fd = fd, .count = 1}, 3, [&] { a.Must(Write{.fd = fd, .data = "x"}); });
}

OBSERVATION(Fifo, ModeWithAllBits, "mknod(2)", "st_mode of a FIFO made with all twelve bits") {
  a.Must(Umask{.mask = 0});
  a.Must(Mknod{.path = "f", .mode = S_IFIFO | 07777});
  return ToldMode(a.Do(Stat{.path = "f"}), 0);
}

OBSERVATION(Fifo, MadeTwiceByAnother, "mkfifo(3)",
            "EEXIST or EACCES, where the name is there and the directory not writable") {
  RequiresOtherUsers();
  a.Must(Mkdir{.path = "d", .mode = 0755});
  a.Must(Mkfifo{.path = "d/f"});
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  return Told(b.Do(Mkfifo{.path = "d/f"}));
}

}  // namespace
}  // namespace ipcspec
