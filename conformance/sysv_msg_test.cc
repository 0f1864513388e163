// Clauses of System V message queues: which message msgrcv takes and how much of it, and what
// msgsnd and msgrcv refuse: msgop(2). Waiting: sysv_msg_wait_test.cc. Copies and cut texts:
// sysv_msg_size_test.cc. msgctl: sysv_msg_ctl_test.cc. msgget: sysv_msg_id_test.cc.
#include <cstdint>
#include <string>

#include "conformance/sysv_msg_clauses.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

CLAUSE(SysvMsg, MessageComesOutOnce, "msgop(2)",
       "A message comes out with the type and the text that went in, and is then gone") {
  const MsgId q = MakeQueue(a);
  EXPECT_THAT(a.Do(Send(q, 7, "hello")), Gives(0));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(7, "hello"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, TextIsAnyBytes, "msgop(2)", "A text is any bytes, zeros and high ones among them") {
  const MsgId q = MakeQueue(a);
  const std::string text("\0\xff\n\0\x80 z\0", 8);
  a.Must(Send(q, 1, text));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, text));
}

CLAUSE(SysvMsg, ProcessesShareAQueue, "msgop(2)",
       "What one process sends another receives, with whatever identifier it was told") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = b.Fork();
  b.Must(Send(q, 1, "from b"));
  c.Must(Send(q, 2, "from c"));
  EXPECT_THAT(c.Do(Receive(q)), GivesMessage(1, "from b"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(2, "from c"));
}

CLAUSE(SysvMsg, QueuesAreApart, "msgop(2)", "A message is in the queue that it was sent to only") {
  const MsgId q = MakeQueue(a), r = MakeQueue(a);
  a.Must(Send(q, 1, "q"));
  EXPECT_THAT(a.Do(TryReceive(r)), FailsWith(ENOMSG));
  a.Must(Send(r, 1, "r"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "q"));
  EXPECT_THAT(a.Do(Receive(r)), GivesMessage(1, "r"));
}

CLAUSE(SysvMsg, FirstInFirstOut, "msgop(2)",
       "With a msgtyp of 0 messages come out in the order in which they were sent, of any type") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 3, "first"));
  a.Must(Send(q, 1, "second"));
  a.Must(Send(q, 2, ""));
  a.Must(Send(q, 1, "fourth"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(3, "first"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "second"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(2, ""));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "fourth"));
}

CLAUSE(SysvMsg, TypeIsChosen, "msgop(2)",
       "With a positive msgtyp the first message of that type comes out; the others keep order") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "a1"));
  a.Must(Send(q, 2, "b1"));
  a.Must(Send(q, 1, "a2"));
  a.Must(Send(q, 2, "b2"));
  EXPECT_THAT(a.Do(Receive(q, 2)), GivesMessage(2, "b1"));
  EXPECT_THAT(a.Do(Receive(q, 2)), GivesMessage(2, "b2"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "a1"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "a2"));
}

CLAUSE(SysvMsg, NothingOfTheType, "msgop(2)",
       "With IPC_NOWAIT msgrcv fails with ENOMSG when no message is of the type asked for") {
  const MsgId q = MakeQueue(a);
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(a.Do(TryReceive(q, 1)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, 3)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, -1)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, 2, MSG_EXCEPT)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, 2)), GivesMessage(2, "two"));
}
PROVOKES(SysvMsg, NothingOfTheType, "msgop.2", "msgrcv", "ENOMSG",
         "IPC_NOWAIT and nothing matches");

CLAUSE(SysvMsg, AnyTypeButOne, "msgop(2)",
       "MSG_EXCEPT with a positive msgtyp takes the first message of any other type") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "a1"));
  a.Must(Send(q, 1, "a2"));
  a.Must(Send(q, 3, "c1"));
  a.Must(Send(q, 2, "b1"));
  EXPECT_THAT(a.Do(Receive(q, 1, MSG_EXCEPT)), GivesMessage(3, "c1"));
  EXPECT_THAT(a.Do(Receive(q, 1, MSG_EXCEPT)), GivesMessage(2, "b1"));
  EXPECT_THAT(a.Do(TryReceive(q, 1, MSG_EXCEPT)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(Receive(q, 9, MSG_EXCEPT)), GivesMessage(1, "a1"));
}

CLAUSE(
    SysvMsg, LowestTypeFirst, "msgop(2)",
    "With a negative msgtyp the lowest type goes first, like a priority, not the first message") {
  const MsgId q = MakeQueue(a);
  for (const int64_t type : {5, 3, 4, 1, 2}) a.Must(Send(q, type, "x"));
  for (const int64_t type : {1, 2, 3, 4, 5}) {
    EXPECT_THAT(a.Do(Receive(q, -9)), GivesMessage(type, "x"));
  }
}

CLAUSE(SysvMsg, LowestTypeKeepsOrder, "msgop(2)",
       "Among messages of the lowest type a negative msgtyp takes them in the order sent") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 4, "d1"));
  a.Must(Send(q, 2, "b1"));
  a.Must(Send(q, 3, "c1"));
  a.Must(Send(q, 2, "b2"));
  a.Must(Send(q, 2, "b3"));
  for (const char* text : {"b1", "b2", "b3"}) {
    EXPECT_THAT(a.Do(Receive(q, -3)), GivesMessage(2, text));
  }
  EXPECT_THAT(a.Do(Receive(q, -3)), GivesMessage(3, "c1"));
}

CLAUSE(SysvMsg, LowestTypeUpToALimit, "msgop(2)",
       "A negative msgtyp takes types up to its absolute value, that one included, and no higher") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 4, "four"));
  a.Must(Send(q, 3, "three"));
  EXPECT_THAT(a.Do(TryReceive(q, -2)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, -3)), GivesMessage(3, "three"));
  EXPECT_THAT(a.Do(TryReceive(q, -3)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, -4)), GivesMessage(4, "four"));
}

CLAUSE(SysvMsg, LargestTypes, "msgop(2)",
       "The largest positive number is a type, and the most negative msgtyp accepts it") {
  const MsgId q = MakeQueue(a);
  for (const int64_t msgtyp : {INT64_MAX, -INT64_MAX, INT64_MIN}) {
    a.Must(Send(q, INT64_MAX, "max"));
    a.Must(Send(q, INT64_MAX - 1, "less"));
    EXPECT_THAT(a.Do(TryReceive(q, -(INT64_MAX - 1))), GivesMessage(INT64_MAX - 1, "less"));
    EXPECT_THAT(a.Do(TryReceive(q, msgtyp)), GivesMessage(INT64_MAX, "max"));
  }
}

CLAUSE(SysvMsg, TypesDoNotWrap, "msgop(2)",
       "Types that differ by 2 to the power of 32 are different types") {
  const MsgId q = MakeQueue(a);
  const int64_t high = (int64_t{1} << 32) + 5;
  a.Must(Send(q, high, "high"));
  EXPECT_THAT(a.Do(TryReceive(q, 5)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, -5)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, high)), GivesMessage(high, "high"));
}

CLAUSE(SysvMsg, ManyMessagesOfSeveralTypes, "msgop(2)",
       "However messages of several types are mixed, each type comes out whole and in its order") {
  const MsgId q = MakeQueue(a);
  constexpr int kEach = 20;
  const auto text = [](int64_t type, int64_t i) {
    return Pattern(static_cast<char>('A' + type), i * 40, 24 + i);
  };
  for (int64_t i = 0; i < kEach; ++i) {
    for (int64_t type = 1; type <= 3; ++type) a.Must(Send(q, type, text(type, i)));
  }
  for (const int64_t type : {2, 3, 1}) {
    for (int64_t i = 0; i < kEach; ++i) {
      EXPECT_THAT(a.Do(TryReceive(q, type)), GivesMessage(type, text(type, i)));
    }
  }
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, TypeIsPositive, "msgop(2)",
       "A type of zero or less is EINVAL, and nothing is sent") {
  const MsgId q = MakeQueue(a);
  for (const int64_t type : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    EXPECT_THAT(a.Do(Send(q, type, "x")), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, SizeToSend, "msgop(2)",
       "A size to send below zero or above MSGMAX is EINVAL, and nothing is sent") {
  const MsgId q = MakeQueue(a);
  const int64_t msgmax = dialect().Get(Limit::kMsgmax);
  for (const int64_t size : {int64_t{-1}, INT64_MIN + 1, msgmax + 1, INT64_MAX}) {
    EXPECT_THAT(a.Do(Msgsnd{.id = q, .data = "x", .size = size}), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}
PROVOKES(SysvMsg, SizeToSend, "msgop.2", "msgsnd", "EINVAL",
         "bad id, non-positive type or size beyond MSGMAX");

CLAUSE(SysvMsg, LargestMessage, "msgop(2)",
       "A text of MSGMAX bytes can be sent, and comes out whole") {
  const int64_t msgmax = dialect().Get(Limit::kMsgmax);
  Requires(msgmax <= dialect().Get(Limit::kMsgmnb) && msgmax <= 1 << 20,
           "msgmax is set beyond what a queue of this machine holds");
  const MsgId q = MakeQueue(a);
  const std::string text = Pattern('A', 0, msgmax);
  EXPECT_THAT(a.Do(Send(q, 1, text)), Gives(0));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, msgmax)), GivesMessage(1, text));
}

CLAUSE(SysvMsg, SizesAroundAPage, "msgop(2)",
       "Texts of every size around a page of memory come out as they went in") {
  Requires(HoldsPages(), kHoldsLittle);
  const MsgId q = MakeQueue(a);
  for (const int64_t size : {4000, 4047, 4048, 4049, 4088, 4095, 4096, 4097, 8100}) {
    const std::string text = Pattern('B', size, size);
    EXPECT_THAT(a.Do(Send(q, size, text)), Gives(0));
    EXPECT_THAT(a.Do(Receive(q, 0, 0, size)), GivesMessage(size, text));
  }
}

CLAUSE(SysvMsg, NoSuchQueue, "msgop(2)", "An identifier of no queue is EINVAL") {
  const MsgId q = MakeQueue(a);
  for (const MsgId& none : {MsgId(-1), MsgId(q.value + 1)}) {
    EXPECT_THAT(a.Do(Send(none, 1, "x")), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(TryReceive(none)), FailsWith(EINVAL));
  }
}

CLAUSE(SysvMsg, SizeToReceiveIsNotNegative, "msgop(2)",
       "msgrcv with a size below zero is EINVAL, and the message stays") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "stays"));
  for (const int64_t size : {int64_t{-1}, INT64_MIN}) {
    EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, size)), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "stays"));
}
PROVOKES(SysvMsg, SizeToReceiveIsNotNegative, "msgop.2", "msgrcv", "EINVAL",
         "bad id or negative size");

CLAUSE(SysvMsg, BadPointerToSend, "msgop(2)",
       "msgsnd from a bad address is EFAULT, and nothing is sent") {
  const MsgId q = MakeQueue(a);
  EXPECT_THAT(a.Do(Msgsnd{.id = q, .data = "x", .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(Msgsnd{.id = q, .data = "", .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}
PROVOKES(SysvMsg, BadPointerToSend, "msgop.2", "msgsnd", "EFAULT", "bad message pointer");

CLAUSE(SysvMsg, BadPointerToReceive, "msgop(2)",
       "msgrcv to a bad address is EFAULT; at most the message that was meant is lost") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "first"));
  a.Must(Send(q, 2, "second"));
  EXPECT_THAT(a.Do(Msgrcv{.id = q, .type = 1, .memory = Memory::kBad}), FailsWith(EFAULT));
  EXPECT_THAT(a.Do(TryReceive(q, 2)), GivesMessage(2, "second"));
}
PROVOKES(SysvMsg, BadPointerToReceive, "msgop.2", "msgrcv", "EFAULT", "bad buffer");

CLAUSE(SysvMsg, SendingNeedsPermission, "msgop(2)",
       "Without permission to write to the queue msgsnd is EACCES, and nothing is sent") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a, 0604);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Send(q, 1, "x")), FailsWith(EACCES));
  EXPECT_THAT(b.Do(TryReceive(q)), FailsWith(ENOMSG));
}
PROVOKES(SysvMsg, SendingNeedsPermission, "msgop.2", "msgsnd", "EACCES", "no write permission");

CLAUSE(SysvMsg, ReceivingNeedsPermission, "msgop(2)",
       "Without permission to read the queue msgrcv is EACCES, and the message stays") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a, 0602);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Send(q, 1, "x")), Gives(0));
  EXPECT_THAT(b.Do(Receive(q)), FailsWith(EACCES));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "x"));
}
PROVOKES(SysvMsg, ReceivingNeedsPermission, "msgop.2", "msgrcv", "EACCES", "no read permission");

CLAUSE(SysvMsg, PermissionByClass, "sysvipc(7)",
       "Owner, group and others each have their own bits for sending and receiving, and no other") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a);
  TaskHandle owner = ForkAs(a, 1000, 1000), member = ForkAs(a, 1001, 1000),
             other = ForkAs(a, 1002, 1002);
  for (const int64_t mode : {0600, 0060, 0006, 0420, 0042, 0204}) {
    a.Must(Give(q, 1000, 1000, mode));
    int shift = 6;
    for (TaskHandle* task : {&owner, &member, &other}) {
      const bool writes = (mode >> shift & 2) != 0, reads = (mode >> shift & 4) != 0;
      EXPECT_THAT(task->Do(TrySend(q, 1, "x")), writes ? Gives(0) : FailsWith(EACCES));
      if (!writes) a.Must(Send(q, 1, "x"));
      EXPECT_THAT(task->Do(TryReceive(q)), reads ? GivesMessage(1, "x") : FailsWith(EACCES));
      if (!reads) a.Must(TryReceive(q));
      shift -= 3;
    }
  }
}

CLAUSE(SysvMsg, FullByBytes, "msgop(2)",
       "A queue takes messages up to msg_qbytes bytes exactly; with IPC_NOWAIT more is EAGAIN") {
  const MsgId q = MakeSmallQueue(a, 10);
  EXPECT_THAT(a.Do(TrySend(q, 1, "1234")), Gives(0));
  EXPECT_THAT(a.Do(TrySend(q, 1, "1234567")), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(TrySend(q, 1, "123456")), Gives(0));
  EXPECT_THAT(a.Do(TrySend(q, 1, "1")), FailsWith(EAGAIN));
  a.Must(Receive(q));
  EXPECT_THAT(a.Do(TrySend(q, 1, "4321")), Gives(0));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "123456"));
}
PROVOKES(SysvMsg, FullByBytes, "msgop.2", "msgsnd", "EAGAIN", "queue full with IPC_NOWAIT");

CLAUSE(SysvMsg, FullByCount, "msgop(2)",
       "Of messages, too, a queue takes msg_qbytes at most: those without a text fill it as well") {
  const MsgId q = MakeSmallQueue(a, 3);
  for (int64_t type = 1; type <= 3; ++type) EXPECT_THAT(a.Do(TrySend(q, type, "")), Gives(0));
  EXPECT_THAT(a.Do(TrySend(q, 4, "")), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(TrySend(q, 4, "x")), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, ""));
  EXPECT_THAT(a.Do(TrySend(q, 4, "x")), Gives(0));
}

CLAUSE(SysvMsg, EmptyMessageNeedsNoBytes, "msgop(2)",
       "A message without a text fits into a queue that is full of bytes") {
  const MsgId q = MakeSmallQueue(a, 4);
  a.Must(Send(q, 1, "1234"));
  EXPECT_THAT(a.Do(TrySend(q, 2, "")), Gives(0));
  EXPECT_THAT(a.Do(TryReceive(q, 2)), GivesMessage(2, ""));
}

CLAUSE(SysvMsg, LargerThanTheQueue, "msgop(2)",
       "A message of more than msg_qbytes bytes does not fit even into an empty queue") {
  const MsgId q = MakeSmallQueue(a, 4);
  EXPECT_THAT(a.Do(TrySend(q, 1, "12345")), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(TrySend(q, 1, "1234")), Gives(0));
}

CLAUSE(SysvMsg, RefusalLeavesTheQueue, "msgop(2)",
       "Calls that fail change neither the messages nor their order") {
  const MsgId q = MakeSmallQueue(a, 6);
  a.Must(Send(q, 1, "one"));
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(a.Do(TrySend(q, 3, "three")), FailsWith(EAGAIN));
  EXPECT_THAT(a.Do(Send(q, 0, "x")), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(TryReceive(q, 9)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(TryReceive(q, 2, 0, 1)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "one"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(2, "two"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

EXCUSED("msgop.2", "msgsnd", "ENOMEM", "no memory for copy",
        "taking the kernel's memory would harm whoever else runs on the machine");

}  // namespace
}  // namespace ipcspec
