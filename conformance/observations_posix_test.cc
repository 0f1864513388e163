// Observations of POSIX message queues, semaphores and shared memory, and of mappings.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "conformance/observe.h"
#include "impl/call/cat.h"

namespace ipcspec {
namespace {

constexpr int64_t kPage = 4096;

// ---- Message queues

Fd MakeQueue(TaskHandle& a, int64_t maxmsg, int64_t msgsize, int64_t flags = 0) {
  return a.Must(MqOpen{
      .name = "/q", .flags = O_RDWR | O_CREAT | flags, .maxmsg = maxmsg, .msgsize = msgsize});
}

OBSERVATION(PosixMq, DefaultAttributes, "mq_open(3)",
            "mq_maxmsg and mq_msgsize when none are given") {
  const Outcome attributes = a.Do(MqGetattr{.fd = MakeQueue(a, 0, 0)});
  return Cat(ToldValue(attributes, 1), " ", ToldValue(attributes, 2));
}

OBSERVATION(PosixMq, DescriptorNumber, "mq_open(3)", "the number of the first queue descriptor") {
  return ToldAll({MakeQueue(a, 1, 1).value});
}

// The lowest RLIMIT_MSGQUEUE with which such a queue can be made.
std::string BytesCharged(TaskHandle& a, int64_t maxmsg, int64_t msgsize) {
  int64_t too_low = 0, enough = 1 << 20;
  std::string refusal;
  for (TaskHandle b = a.Fork(); enough - too_low > 1;) {
    const int64_t middle = (too_low + enough) / 2;
    b.Do(LimitQueueBytes{.bytes = middle});
    const Outcome made = b.Do(MqOpen{
        .name = "/q", .flags = O_RDWR | O_CREAT | O_EXCL, .maxmsg = maxmsg, .msgsize = msgsize});
    (made.ok() ? enough : too_low) = middle;
    if (!made.ok()) {
      refusal = Told(made);
      continue;
    }
    b.Must(Close{.fd = made.ret});
    b.Must(MqUnlink{.name = "/q"});
  }
  return Cat(enough, ", below it ", refusal);
}
OBSERVATION(PosixMq, BytesOfSmallestQueue, "getrlimit(2)",
            "the lowest RLIMIT_MSGQUEUE for 1 message of 1 byte") {
  return BytesCharged(a, 1, 1);
}
OBSERVATION(PosixMq, BytesOfUsualQueue, "getrlimit(2)",
            "the lowest RLIMIT_MSGQUEUE for 10 messages of 1000 bytes") {
  return BytesCharged(a, 10, 1000);
}

OBSERVATION(PosixMq, BadNames, "mq_open(3)",
            "the errors of \"\", \"/\", \"q\", \"/a/b\", \"//q\"") {
  std::string text;
  for (const char* name : {"", "/", "q", "/a/b", "//q"}) {
    const Outcome made =
        a.Do(MqOpen{.name = name, .flags = O_RDWR | O_CREAT, .maxmsg = 1, .msgsize = 1});
    Append(&text, text.empty() ? "" : " ", made.ok() ? "opens" : Told(made));
  }
  return text;
}

OBSERVATION(PosixMq, OrderOfReceivers, "mq_receive(3)",
            "which of three sleepers each message goes to") {
  const Fd q = MakeQueue(a, 3, 8);
  return WakeOrder(a, MqReceive{.fd = q, .size = 8}, 3,
                   [&] { a.Must(MqSend{.fd = q, .data = "x"}); });
}

OBSERVATION(PosixMq, OrderOfSenders, "mq_send(3)",
            "which of three sleeping senders goes on first") {
  const Fd q = MakeQueue(a, 1, 8);
  a.Must(MqSend{.fd = q, .data = "x"});
  return WakeOrder(a, MqSend{.fd = q, .data = "y"}, 3,
                   [&] { a.Must(MqReceive{.fd = q, .size = 8}); });
}

OBSERVATION(PosixMq, UrgentSender, "mq_send(3)",
            "which sleeping sender goes on: who came first (1), or the more urgent (2)") {
  const Fd q = MakeQueue(a, 1, 8);
  a.Must(MqSend{.fd = q, .data = "x"});
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(MqSend{.fd = q, .data = "1", .priority = 1});
  c.Begin(MqSend{.fd = q, .data = "2", .priority = 9});
  a.Must(MqReceive{.fd = q, .size = 8});
  return first.asleep() ? "2" : "1";
}

OBSERVATION(PosixMq, TooLongForFullQueue, "mq_send(3)", "EMSGSIZE or EAGAIN, where both apply") {
  const Fd q = MakeQueue(a, 1, 4, O_NONBLOCK);
  a.Must(MqSend{.fd = q, .data = "x"});
  return Told(a.Do(MqSend{.fd = q, .data = "12345"}));
}

OBSERVATION(PosixMq, SmallBufferAtEmptyQueue, "mq_receive(3)",
            "EMSGSIZE or EAGAIN, where both apply") {
  return Told(a.Do(MqReceive{.fd = MakeQueue(a, 1, 4, O_NONBLOCK), .size = 3}));
}

OBSERVATION(PosixMq, BadTimeThatIsNotNeeded, "mq_send(3)",
            "a time with too many nanoseconds where there is room") {
  return Told(a.Do(MqSend{.fd = MakeQueue(a, 1, 4), .data = "x", .bad_time = true}));
}

OBSERVATION(PosixMq, BadSizesOfExistingQueue, "mq_open(3)",
            "attributes that cannot be, passed for a queue that is there") {
  MakeQueue(a, 1, 4);
  const Outcome opened =
      a.Do(MqOpen{.name = "/q", .flags = O_RDWR | O_CREAT, .maxmsg = -1, .msgsize = -1});
  return opened.ok() ? "opens" : Told(opened);
}

OBSERVATION(PosixMq, Events, "poll(2)", "revents of a queue: empty, neither, full") {
  const Fd q = MakeQueue(a, 2, 4);
  std::vector<int64_t> events;
  for (int i = 0; i < 3; ++i) {
    const Outcome poll = a.Do(Poll{.fds = {{q, POLLIN | POLLOUT}}, .timeout = 0});
    events.push_back(poll.values.empty() ? -1 : poll.values[0]);
    if (i < 2) a.Must(MqSend{.fd = q, .data = "x"});
  }
  return ToldAll(events);
}

// ---- Semaphores

OBSERVATION(PosixSem, BadNames, "sem_open(3)",
            "the errors of \"\", \"/\", \"s\", \"/a/b\", \"//s\"") {
  std::string text;
  for (const char* name : {"", "/", "s", "/a/b", "//s"}) {
    const Outcome made = a.Do(PsemOpen{.name = name, .flags = O_CREAT, .value = 1});
    Append(&text, text.empty() ? "" : " ", made.ok() ? "opens" : Told(made));
  }
  return text;
}

OBSERVATION(PosixSem, OpenedTwice, "sem_open(3)", "how far apart two opens of one name are") {
  const int64_t first = a.Must(PsemOpen{.name = "/s", .flags = O_CREAT, .value = 1});
  return ToldAll({a.Must(PsemOpen{.name = "/s"}) - first});
}

Address SharedPage(TaskHandle& a) {
  return a.Must(
      Mmap{.length = kPage, .prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
}

OBSERVATION(PosixSem, OrderOfWaiters, "sem_wait(3)",
            "which of three sleepers each post lets go on") {
  const Address s = SharedPage(a);
  a.Must(PsemInit{.address = s, .shared = true, .value = 0});
  return WakeOrder(a, PsemWait{.address = s}, 3, [&] { a.Must(PsemPost{.address = s}); });
}

OBSERVATION(PosixSem, BadTimeThatIsNotNeeded, "sem_wait(3)",
            "a time with too many nanoseconds where there is a unit") {
  const Address s = SharedPage(a);
  a.Must(PsemInit{.address = s, .shared = true, .value = 1});
  return Told(a.Do(PsemWait{.address = s, .timeout = 1000, .bad_time = true}));
}

OBSERVATION(PosixSem, ValueWithSleepers, "sem_getvalue(3)", "the value while two sleep on it") {
  const Address s = SharedPage(a);
  a.Must(PsemInit{.address = s, .shared = true, .value = 0});
  a.Fork().Begin(PsemWait{.address = s});
  a.Fork().Begin(PsemWait{.address = s});
  return ToldValue(a.Do(PsemGetValue{.address = s}), 0);
}

// ---- Shared memory and mappings

OBSERVATION(PosixShm, BadNames, "shm_open(3)",
            "the errors of \"\", \"/\", \"m\", \"/a/b\", \"//m\"") {
  std::string text;
  for (const char* name : {"", "/", "m", "/a/b", "//m"}) {
    const Outcome made = a.Do(ShmOpen{.name = name, .flags = O_RDWR | O_CREAT});
    Append(&text, text.empty() ? "" : " ", made.ok() ? "opens" : Told(made));
  }
  return text;
}

OBSERVATION(PosixShm, ModeWithAllBits, "shm_open(3)", "st_mode of an object made with 07777") {
  a.Must(Umask{.mask = 0});
  const Fd fd = a.Must(ShmOpen{.name = "/m", .flags = O_RDWR | O_CREAT, .mode = 07777});
  return ToldMode(a.Do(Fstat{.fd = fd}), 0);
}

OBSERVATION(Mapping, PlaceOfSecond, "mmap(2)", "how far above the first the kernel puts it") {
  const int64_t first = SharedPage(a).value;
  return ToldAll({SharedPage(a).value - first});
}

OBSERVATION(Mapping, NoLengthOfNoFile, "mmap(2)", "EINVAL or EBADF, where both apply") {
  return Told(a.Do(Mmap{.length = 0, .prot = PROT_READ, .flags = MAP_SHARED, .fd = 999}));
}

OBSERVATION(Mapping, OddOffsetOfNoFile, "mmap(2)", "EINVAL or EBADF, where both apply") {
  return Told(
      a.Do(Mmap{.length = kPage, .prot = PROT_READ, .flags = MAP_SHARED, .fd = 999, .offset = 1}));
}

// What a load from a page with this protection comes to: 0, or a signal.
std::string LoadFrom(TaskHandle& a, int64_t prot) {
  const Address page =
      a.Must(Mmap{.length = kPage, .prot = prot, .flags = MAP_PRIVATE | MAP_ANONYMOUS});
  return Told(a.Do(Load{.address = page, .size = 1}));
}
OBSERVATION(Mapping, LoadFromWriteOnly, "mmap(2)", "a load from a page of PROT_WRITE alone") {
  return LoadFrom(a, PROT_WRITE);
}
OBSERVATION(Mapping, LoadFromExecOnly, "mmap(2)", "a load from a page of PROT_EXEC alone") {
  return LoadFrom(a, PROT_EXEC);
}

OBSERVATION(Mapping, BytesBeyondTheEnd, "mmap(2)",
            "what another mapping shows of a byte stored beyond the end of the object") {
  const Fd fd = a.Must(ShmOpen{.name = "/m", .flags = O_RDWR | O_CREAT});
  a.Must(Ftruncate{.fd = fd, .length = 1});
  const Mmap map{.length = kPage, .prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED, .fd = fd};
  const Address one = a.Must(map), other = a.Must(map);
  a.Must(Store{.address = one, .offset = 100, .data = "x"});
  return a.Do(Load{.address = other, .offset = 100, .size = 1}).data == "x" ? "it" : "nothing";
}

}  // namespace
}  // namespace ipcspec
