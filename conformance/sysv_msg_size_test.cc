// Clauses of System V message queues: texts that are longer or shorter than the receiver's buffer,
// MSG_NOERROR, and copies by MSG_COPY: msgop(2).
#include <string>

#include "conformance/sysv_msg_helpers.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

CLAUSE(SysvMsg, TooLongStays, "msgop(2)",
       "A text longer than the buffer is E2BIG; the message stays where it was, and whole") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "too long"));
  a.Must(Send(q, 2, "next"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 7)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 0)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 8)), GivesMessage(1, "too long"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 8)), GivesMessage(2, "next"));
}
PROVOKES(SysvMsg, TooLongStays, "msgop.2", "msgrcv", "E2BIG",
         "message longer than buffer without MSG_NOERROR");

CLAUSE(SysvMsg, TooLongIsNotPassedOver, "msgop(2)",
       "The first message of the type is meant, though a shorter one behind it would fit") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "too long"));
  a.Must(Send(q, 1, "ok"));
  EXPECT_THAT(a.Do(TryReceive(q, 1, 0, 4)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(TryReceive(q, -5, 0, 4)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(TryReceive(q, 2, MSG_EXCEPT, 4)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "too long"));
  EXPECT_THAT(a.Do(TryReceive(q, 1, 0, 4)), GivesMessage(1, "ok"));
}

CLAUSE(SysvMsg, OnlyTheOneMeantCanBeTooLong, "msgop(2)",
       "A long message of another type stands in nobody's way") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "too long"));
  a.Must(Send(q, 2, "ok"));
  EXPECT_THAT(a.Do(TryReceive(q, 2, 0, 2)), GivesMessage(2, "ok"));
}

CLAUSE(SysvMsg, LongTextIsCut, "msgop(2)",
       "With MSG_NOERROR a long text is cut to the buffer's size, and the rest of it is lost") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "cut|lost"));
  a.Must(Send(q, 2, "next"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 3)), GivesMessage(1, "cut"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 3)), GivesMessage(2, "nex"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, LongTextIsCutAnywhere, "msgop(2)",
       "A text of more than a page is cut at any size") {
  Requires(HoldsPages(), kHoldsLittle);
  const MsgId q = MakeQueue(a);
  const std::string text = Pattern('A', 0, 8000);
  for (const int64_t size : {1, 4000, 4048, 4049, 4096, 7999}) {
    a.Must(Send(q, 1, text));
    EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, size)), GivesMessage(1, text.substr(0, size)));
  }
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, ShortTextIsNotFilledUp, "msgop(2)",
       "A text shorter than the buffer comes out in its own length, MSG_NOERROR or not") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "abc"));
  a.Must(Send(q, 1, "abc"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 3)), GivesMessage(1, "abc"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 4)), GivesMessage(1, "abc"));
}

CLAUSE(SysvMsg, BufferMayBeLarge, "msgop(2)",
       "A buffer may be larger than any message can be: MSGMAX does not limit it") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "abc"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 1 << 20)), GivesMessage(1, "abc"));
}

CLAUSE(SysvMsg, NoBufferAtAll, "msgop(2)",
       "With a size of zero msgrcv takes messages without a text; others with MSG_NOERROR only") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 5, ""));
  a.Must(Send(q, 6, "text"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 0)), GivesMessage(5, ""));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 0)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 0)), GivesMessage(6, ""));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, EmptyMessage, "msgop(2)",
       "A message may have no text: its type comes out, with a size of zero") {
  const MsgId q = MakeQueue(a);
  EXPECT_THAT(a.Do(Send(q, 8, "")), Gives(0));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(8, ""));
}

CLAUSE(SysvMsg, CutTextFreesAllItsBytes, "msgop(2)",
       "A cut text leaves nothing in the queue: all its bytes can be sent again") {
  const MsgId q = MakeSmallQueue(a, 8);
  a.Must(Send(q, 1, "12345678"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 2)), GivesMessage(1, "12"));
  EXPECT_THAT(a.Do(TrySend(q, 1, "abcdefgh")), Gives(0));
}

// Ends the clause where the kernel was built without copies.
bool HasCopies(TaskHandle& a, MsgId q) { return a.Do(CopyAt(q, 0)).error != ENOSYS; }
constexpr const char* kNoCopies = "the kernel was built without CONFIG_CHECKPOINT_RESTORE";

CLAUSE(SysvMsg, TooLongForABadBuffer, "msgop(2)",
       "A message that is too long stays in the queue, though the buffer is bad as well") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "1234"));
  Msgrcv receive = TryReceive(q, 0, 0, 3);
  receive.memory = Memory::kBad;
  EXPECT_THAT(a.Do(receive), testing::AnyOf(FailsWith(E2BIG), FailsWith(EFAULT)));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "1234"));
}

CLAUSE(SysvMsg, CopyToABadBuffer, "msgop(2)",
       "MSG_COPY to a bad buffer is EFAULT, and the message stays") {
  const MsgId q = MakeQueue(a);
  a.Must(Send(q, 1, "1234"));
  Msgrcv copy = CopyAt(q, 0);
  copy.memory = Memory::kBad;
  EXPECT_THAT(a.Do(copy), testing::AnyOf(FailsWith(EFAULT), FailsWith(ENOSYS)));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "1234"));
}

CLAUSE(SysvMsg, CopyByPosition, "msgop(2)",
       "MSG_COPY gives the message at a position, counted from 0, and all stay in the queue") {
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  a.Must(Send(q, 7, "zero"));
  a.Must(Send(q, 5, "one"));
  a.Must(Send(q, 7, "two"));
  EXPECT_THAT(a.Do(CopyAt(q, 2)), GivesMessage(7, "two"));
  EXPECT_THAT(a.Do(CopyAt(q, 0)), GivesMessage(7, "zero"));
  EXPECT_THAT(a.Do(CopyAt(q, 1)), GivesMessage(5, "one"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(7, "zero"));
  EXPECT_THAT(a.Do(CopyAt(q, 1)), GivesMessage(7, "two"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(5, "one"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(7, "two"));
}

CLAUSE(SysvMsg, CopyOfAPositionThatIsNot, "msgop(2)",
       "MSG_COPY of a position past the last message is ENOMSG") {
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  EXPECT_THAT(a.Do(CopyAt(q, 0)), FailsWith(ENOMSG));
  a.Must(Send(q, 1, "zero"));
  EXPECT_THAT(a.Do(CopyAt(q, 0)), GivesMessage(1, "zero"));
  EXPECT_THAT(a.Do(CopyAt(q, 1)), FailsWith(ENOMSG));
  EXPECT_THAT(a.Do(CopyAt(q, -1)), FailsWith(ENOMSG));
}
PROVOKES(SysvMsg, CopyOfAPositionThatIsNot, "msgop.2", "msgrcv", "ENOMSG",
         "MSG_COPY index past end");

CLAUSE(SysvMsg, CopyNeverWaits, "msgop(2)",
       "MSG_COPY without IPC_NOWAIT is EINVAL, whether the message is there or not") {
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_COPY)), FailsWith(EINVAL));
  a.Must(Send(q, 1, "zero"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_COPY)), FailsWith(EINVAL));
}
PROVOKES(SysvMsg, CopyNeverWaits, "msgop.2", "msgrcv", "EINVAL", "MSG_COPY without IPC_NOWAIT");

CLAUSE(SysvMsg, CopyHasNoExceptions, "msgop(2)",
       "MSG_COPY and MSG_EXCEPT read msgtyp differently: both together are EINVAL") {
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  a.Must(Send(q, 1, "zero"));
  EXPECT_THAT(a.Do(CopyAt(q, 0, MSG_EXCEPT)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "zero"));
}
PROVOKES(SysvMsg, CopyHasNoExceptions, "msgop.2", "msgrcv", "EINVAL", "MSG_COPY with MSG_EXCEPT");

CLAUSE(SysvMsg, CopyThatIsTooLong, "msgop(2)",
       "A copy needs room for the whole text, as a message does: else E2BIG") {
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  a.Must(Send(q, 1, "1234"));
  EXPECT_THAT(a.Do(CopyAt(q, 0, 0, 3)), FailsWith(E2BIG));
  EXPECT_THAT(a.Do(CopyAt(q, 0, 0, 4)), GivesMessage(1, "1234"));
}

CLAUSE(SysvMsg, CopiesOfLongTexts, "msgop(2)", "A copy of more than a page is the whole text") {
  Requires(HoldsPages(), kHoldsLittle);
  const MsgId q = MakeQueue(a);
  Requires(HasCopies(a, q), kNoCopies);
  const std::string text = Pattern('A', 0, 8000);
  a.Must(Send(q, 1, text));
  EXPECT_THAT(a.Do(CopyAt(q, 0, 0, 8192)), GivesMessage(1, text));
  EXPECT_THAT(a.Do(CopyAt(q, 0, 0, 8000)), GivesMessage(1, text));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 8000)), GivesMessage(1, text));
}

CLAUSE(SysvMsg, CopyIsNoReceipt, "msgop(2)",
       "A copy is no receipt: it frees no room, and msg_lrpid and msg_qnum stay as they were") {
  const MsgId q = MakeSmallQueue(a, 4);
  Requires(HasCopies(a, q), kNoCopies);
  a.Must(Send(q, 1, "1234"));
  a.Must(CopyAt(q, 0));
  EXPECT_EQ(FieldOf(a, q, kMsgQnum), 1);
  EXPECT_EQ(FieldOf(a, q, kMsgCbytes), 4);
  EXPECT_EQ(FieldOf(a, q, kMsgLrpid), -1);
  EXPECT_THAT(a.Do(TrySend(q, 1, "1")), FailsWith(EAGAIN));
}

CLAUSE(SysvMsg, CopyNeedsPermissionToRead, "msgop(2)",
       "A copy needs permission to read the queue") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a, 0602);
  Requires(HasCopies(a, q), kNoCopies);
  a.Must(Send(q, 1, "secret"));
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(CopyAt(q, 0)), FailsWith(EACCES));
}

EXCUSED("msgop.2", "msgrcv", "ENOSYS", "MSG_COPY without CONFIG_CHECKPOINT_RESTORE",
        "a kernel built without it gives this, and the clauses on copies are unsupported there");

}  // namespace
}  // namespace ipcspec
