// Clauses of POSIX message queues: messages, priorities, sizes, attributes, and what a queue
// descriptor is good for: mq_send(3), mq_receive(3), mq_getattr(3), mq_overview(7).
#include <fcntl.h>

#include <string>
#include <vector>

#include "conformance/clause.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

using testing::_;

// A new queue, open to send and receive.
Fd MakeQueue(TaskHandle& a, int64_t maxmsg = 8, int64_t msgsize = 16, int64_t flags = 0) {
  return a.Must(MqOpen{.name = "/q",
                       .flags = O_CREAT | O_EXCL | O_RDWR | flags,
                       .maxmsg = maxmsg,
                       .msgsize = msgsize});
}

MqSend Send(Fd fd, std::string text, int64_t priority = 0) {
  return {.fd = fd, .data = Bytes(std::move(text)), .priority = priority};
}

// The message came out with this priority.
testing::Matcher<const Outcome&> Message(std::string text, int64_t priority) {
  return testing::AllOf(Gives(static_cast<int64_t>(text.size()), text), GivesValues({priority}));
}

CLAUSE(PosixMq, MessageComesOutWhole, "mq_receive(3)",
       "A message comes out as it was sent, alone, with its priority, and only once") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "first", 3));
  a.Must(Send(q, "2nd", 3));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("first", 3));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("2nd", 3));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 8, 16, 0}));
}

CLAUSE(PosixMq, HighestPriorityFirst, "mq_receive(3)",
       "The message of the highest priority is received first, whenever it was sent") {
  const Fd q = MakeQueue(a);
  for (const int64_t p : {2, 0, 7, 1}) a.Must(Send(q, std::string(1, 'a' + p), p));
  for (const int64_t p : {7, 2, 1, 0}) {
    EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message(std::string(1, 'a' + p), p));
  }
}

CLAUSE(PosixMq, OldestAmongEquals, "mq_send(3)",
       "Of messages of equal priority the oldest is received first") {
  const Fd q = MakeQueue(a);
  for (const char* text : {"1", "2", "3", "4"}) a.Must(Send(q, text, 5));
  a.Must(Send(q, "low", 4));
  a.Must(Send(q, "5", 5));
  for (const char* text : {"1", "2", "3", "4", "5"}) {
    EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message(text, 5));
  }
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("low", 4));
}

CLAUSE(PosixMq, OrderSurvivesReceiving, "mq_receive(3)",
       "The order holds while sending and receiving take turns") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "a1", 1));
  a.Must(Send(q, "b2", 2));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("b2", 2));
  a.Must(Send(q, "c1", 1));
  a.Must(Send(q, "d2", 2));
  a.Must(Send(q, "e0", 0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("d2", 2));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("a1", 1));
  a.Must(Send(q, "f1", 1));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("c1", 1));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("f1", 1));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("e0", 0));
}

CLAUSE(PosixMq, AllBitsOfThePriorityCount, "mq_overview(7)",
       "Priorities are ordered as numbers over their whole range") {
  const Fd q = MakeQueue(a);
  const std::vector<int64_t> sent = {256, 1, 32767, 255, 16384, 257, 0, 4096};
  for (const int64_t p : sent) a.Must(Send(q, std::to_string(p), p));
  for (const int64_t p : {32767, 16384, 4096, 257, 256, 255, 1, 0}) {
    EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message(std::to_string(p), p));
  }
}

CLAUSE(PosixMq, PriorityIsBounded, "mq_overview(7)",
       "A priority of sysconf(_SC_MQ_PRIO_MAX) or more is EINVAL, and nothing is sent") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(Send(q, "x", 32767)), Gives(0));
  for (const int64_t p : {32768, 65536}) EXPECT_THAT(a.Do(Send(q, "x", p)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Send(q, "x", UINT32_MAX)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 8, 16, 1}));
}

CLAUSE(PosixMq, EmptyMessage, "mq_send(3)",
       "A message of no bytes is a message: it takes a place, has a priority and comes out") {
  const Fd q = MakeQueue(a, 1);
  a.Must(Send(q, "", 9));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 1, 16, 1}));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("", 9));
}

CLAUSE(PosixMq, LongestMessage, "mq_send(3)",
       "A message may have mq_msgsize bytes; a longer one is EMSGSIZE and is not sent") {
  const Fd q = MakeQueue(a, 2, 100);
  EXPECT_THAT(a.Do(Send(q, Pattern('A', 0, 100))), Gives(0));
  EXPECT_THAT(a.Do(Send(q, Pattern('A', 0, 101))), FailsWith(EMSGSIZE));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 2, 100, 1}));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(100, Pattern('A', 0, 100)));
}
PROVOKES(PosixMq, LongestMessage, "mq_send.3", "mq_send,mq_timedsend", "EMSGSIZE",
         "message longer than mq_msgsize");

CLAUSE(PosixMq, ShortBuffer, "mq_receive(3)",
       "A buffer shorter than mq_msgsize is EMSGSIZE, however short the message, which stays") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q, "x"));
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .size = 15}), FailsWith(EMSGSIZE));
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .size = 0}), FailsWith(EMSGSIZE));
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .size = 16}), Message("x", 0));
}
PROVOKES(PosixMq, ShortBuffer, "mq_receive.3", "mq_receive,mq_timedreceive", "EMSGSIZE",
         "buffer shorter than mq_msgsize");

CLAUSE(PosixMq, LargeMessages, "mq_send(3)",
       "Messages of several pages come out byte for byte, as many as the queue has room for") {
  const int64_t size = std::min<int64_t>(8192, dialect().Get(Limit::kMqMsgsizeMax));
  const Fd q = MakeQueue(a, 3, size);
  a.Must(Send(q, Pattern('A', 0, size), 1));
  a.Must(Send(q, Pattern('B', 0, size - 1), 2));
  a.Must(Send(q, Pattern('C', 0, size / 2 + 1), 1));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(size - 1, Pattern('B', 0, size - 1)));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(size, Pattern('A', 0, size)));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(size / 2 + 1, Pattern('C', 0, size / 2 + 1)));
}

CLAUSE(PosixMq, DirectionOfSending, "mq_send(3)",
       "Sending takes a queue that is open for writing: else EBADF") {
  MakeQueue(a);
  const Fd in = a.Must(MqOpen{.name = "/q", .flags = O_RDONLY});
  const PipeEnds pipe = a.Pipe();
  EXPECT_THAT(a.Do(Send(in, "x")), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Send(pipe.write, "x")), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Send(99, "x")), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Send(-1, "x")), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqGetattr{.fd = in}), GivesValues({0, 8, 16, 0}));
}
PROVOKES(PosixMq, DirectionOfSending, "mq_send.3", "mq_send,mq_timedsend", "EBADF",
         "bad descriptor or not open for writing");

CLAUSE(PosixMq, DirectionOfReceiving, "mq_receive(3)",
       "Receiving takes a queue that is open for reading: else EBADF") {
  const Fd q = MakeQueue(a);
  const Fd out = a.Must(MqOpen{.name = "/q", .flags = O_WRONLY});
  a.Must(Send(q, "x"));
  const PipeEnds pipe = a.Pipe();
  EXPECT_THAT(a.Do(MqReceive{.fd = out}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqReceive{.fd = pipe.read}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqReceive{.fd = 99}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("x", 0));
}
PROVOKES(PosixMq, DirectionOfReceiving, "mq_receive.3", "mq_receive,mq_timedreceive", "EBADF",
         "bad descriptor or not open for reading");

CLAUSE(PosixMq, FullWithoutBlocking, "mq_send(3)",
       "With O_NONBLOCK sending to a full queue is EAGAIN, and the queue stays as it was") {
  const Fd q = MakeQueue(a, 2, 16, O_NONBLOCK);
  a.Must(Send(q, "a", 1));
  a.Must(Send(q, "b", 1));
  EXPECT_THAT(a.Do(Send(q, "c", 9)), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("a", 1));
  EXPECT_THAT(a.Do(Send(q, "c", 9)), Gives(0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("c", 9));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("b", 1));
}
PROVOKES(PosixMq, FullWithoutBlocking, "mq_send.3", "mq_send,mq_timedsend", "EAGAIN",
         "queue full and O_NONBLOCK");

CLAUSE(PosixMq, EmptyWithoutBlocking, "mq_receive(3)",
       "With O_NONBLOCK receiving from an empty queue is EAGAIN") {
  const Fd q = MakeQueue(a, 2, 16, O_NONBLOCK);
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), FailsWith(EAGAIN));
  a.Must(Send(q, "a"));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Message("a", 0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), FailsWith(EAGAIN));
}
PROVOKES(PosixMq, EmptyWithoutBlocking, "mq_receive.3", "mq_receive,mq_timedreceive", "EAGAIN",
         "queue empty and O_NONBLOCK");

CLAUSE(PosixMq, EveryPlaceCounts, "mq_getattr(3)",
       "A queue holds mq_maxmsg messages, whatever their sizes and priorities") {
  const Fd q = MakeQueue(a, 5, 16, O_NONBLOCK);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_THAT(a.Do(Send(q, std::string(3 * i, 'x'), i % 2)), Gives(0));
    EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({O_NONBLOCK, 5, 16, i + 1}));
  }
  EXPECT_THAT(a.Do(Send(q, "")), FailsWith(EAGAIN));
}

CLAUSE(
    PosixMq, AttributesTell, "mq_getattr(3)",
    "mq_getattr tells O_NONBLOCK, the sizes and how many messages there are, for any direction") {
  const Fd q = MakeQueue(a, 3, 20);
  const Fd in = a.Must(MqOpen{.name = "/q", .flags = O_RDONLY | O_NONBLOCK});
  const Fd out = a.Must(MqOpen{.name = "/q", .flags = O_WRONLY});
  a.Must(Send(q, "x"));
  EXPECT_THAT(a.Do(MqGetattr{.fd = in}), GivesValues({O_NONBLOCK, 3, 20, 1}));
  EXPECT_THAT(a.Do(MqGetattr{.fd = out}), GivesValues({0, 3, 20, 1}));
  a.Must(MqReceive{.fd = in});
  EXPECT_THAT(a.Do(MqGetattr{.fd = out}), GivesValues({0, 3, 20, 0}));
}

CLAUSE(PosixMq, AttributesOfNoQueue, "mq_getattr(3)",
       "mq_getattr and mq_setattr of what is no queue descriptor are EBADF") {
  const PipeEnds pipe = a.Pipe();
  for (const Fd fd : {pipe.read, Fd(99), Fd(-1)}) {
    EXPECT_THAT(a.Do(MqGetattr{.fd = fd}), FailsWith(EBADF));
    EXPECT_THAT(a.Do(MqSetattr{.fd = fd, .flags = O_NONBLOCK}), FailsWith(EBADF));
  }
}
PROVOKES(PosixMq, AttributesOfNoQueue, "mq_getattr.3", "mq_getattr,mq_setattr", "EBADF",
         "bad descriptor");

CLAUSE(PosixMq, SetattrTurnsBlocking, "mq_getattr(3)",
       "mq_setattr sets and clears O_NONBLOCK, and gives the attributes that were before") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(MqSetattr{.fd = q, .flags = O_NONBLOCK}), GivesValues({0, 8, 16, 0}));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), FailsWith(EAGAIN));
  a.Must(Send(q, "x"));
  EXPECT_THAT(a.Do(MqSetattr{.fd = q}), GivesValues({O_NONBLOCK, 8, 16, 1}));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 8, 16, 1}));
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(a.Begin(MqReceive{.fd = q}), IsAsleep());
}

CLAUSE(PosixMq, SetattrLeavesSizes, "mq_getattr(3)",
       "mq_setattr passes over the sizes that it is given") {
  const Fd q = MakeQueue(a, 2, 16);
  a.Must(MqSetattr{.fd = q, .flags = O_NONBLOCK, .maxmsg = 7, .msgsize = 100});
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({O_NONBLOCK, 2, 16, 0}));
  a.Must(MqSetattr{.fd = q, .flags = 0, .maxmsg = -1, .msgsize = -1});
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 2, 16, 0}));
}

CLAUSE(PosixMq, SetattrOtherFlags, "mq_getattr(3)",
       "mq_setattr with any flag but O_NONBLOCK is EINVAL, and changes nothing") {
  const Fd q = MakeQueue(a);
  for (const int64_t flags : {O_RDWR, O_CREAT, O_APPEND | O_NONBLOCK}) {
    EXPECT_THAT(a.Do(MqSetattr{.fd = q, .flags = flags}), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 8, 16, 0}));
}
PROVOKES(PosixMq, SetattrOtherFlags, "mq_getattr.3", "mq_setattr", "EINVAL",
         "flags other than O_NONBLOCK");

CLAUSE(PosixMq, FlagBelongsToTheDescription, "mq_overview(7)",
       "dup and fork share O_NONBLOCK; a queue that was opened again has a flag of its own") {
  const Fd q = MakeQueue(a);
  const Fd twin = a.Must(Dup{.fd = q}), other = a.Must(MqOpen{.name = "/q", .flags = O_RDWR});
  TaskHandle b = a.Fork();
  b.Must(MqSetattr{.fd = q, .flags = O_NONBLOCK});
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({O_NONBLOCK, 8, 16, 0}));
  EXPECT_THAT(a.Do(MqReceive{.fd = twin}), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(MqGetattr{.fd = other}), GivesValues({0, 8, 16, 0}));
}

CLAUSE(PosixMq, FcntlShowsTheSameFlag, "mq_overview(7)",
       "O_NONBLOCK of a queue descriptor is that of fcntl, and fcntl tells its direction") {
  const Fd q = MakeQueue(a);
  const Fd out = a.Must(MqOpen{.name = "/q", .flags = O_WRONLY | O_NONBLOCK});
  a.Must(SetStatusFlags{.fd = q, .flags = O_NONBLOCK});
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({O_NONBLOCK, 8, 16, 0}));
  a.Must(MqSetattr{.fd = q});
  EXPECT_EQ(a.Must(GetStatusFlags{.fd = q}) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
  EXPECT_EQ(a.Must(GetStatusFlags{.fd = out}) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
}

CLAUSE(PosixMq, DupIsTheSameQueue, "mq_overview(7)",
       "A duplicate of a queue descriptor keeps the queue open and works as it does") {
  const Fd q = MakeQueue(a);
  const Fd twin = a.Must(Dup{.fd = q});
  a.Must(MqUnlink{.name = "/q"});
  a.Must(Close{.fd = q});
  EXPECT_THAT(a.Do(Send(twin, "x", 2)), Gives(0));
  EXPECT_THAT(a.Do(MqReceive{.fd = twin}), Message("x", 2));
}

CLAUSE(PosixMq, FileShowsBytes, "mq_overview(7)",
       "QSIZE in the queue's file is how many bytes its messages have: it goes up and down") {
  const Fd q = MakeQueue(a);
  const auto shows = [](int64_t bytes) {
    return testing::Field("values", &Outcome::values, testing::ElementsAre(bytes, _, _, -1));
  };
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), shows(0));
  a.Must(Send(q, "12345", 1));
  a.Must(Send(q, "123", 0));
  a.Must(Send(q, "", 0));
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), shows(8));
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), shows(3));
  a.Must(MqReceive{.fd = q});
  a.Must(MqReceive{.fd = q});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), shows(0));
}

CLAUSE(PosixMq, FileGoesWithTheName, "mq_overview(7)",
       "A queue has a file below /dev/mqueue as long as it has its name") {
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), FailsWith(ENOENT));
  MakeQueue(a);
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), Gives(0));
  a.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), FailsWith(ENOENT));
}

}  // namespace
}  // namespace ipcspec
