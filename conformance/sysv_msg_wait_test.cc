// Clauses of System V message queues: who sleeps in msgsnd and msgrcv, and who is woken: msgop(2),
// msgctl(2). How else sleep ends: sysv_msg_end_test.cc.
#include <string>

#include "conformance/sysv_msg_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(SysvMsg, ReceiverSleepsUntilAMessage, "msgop(2)",
       "msgrcv of an empty queue sleeps until a message is sent, and takes that") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q));
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, 4, "wake up"));
  EXPECT_THAT(receive.Finish(), GivesMessage(4, "wake up"));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, EmptyMessageWakes, "msgop(2)", "A message without a text wakes a receiver too") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q, 0, 0, 0));
  a.Must(Send(q, 2, ""));
  EXPECT_THAT(receive.Finish(), GivesMessage(2, ""));
}

CLAUSE(SysvMsg, ReceiverSleepsForItsType, "msgop(2)",
       "A receiver of one type sleeps on when messages of others come, and those stay") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q, 3));
  a.Must(Send(q, 2, "two"));
  a.Must(Send(q, 4, "four"));
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, 3, "three"));
  EXPECT_THAT(receive.Finish(), GivesMessage(3, "three"));
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(2, "two"));
}

CLAUSE(SysvMsg, ReceiverSleepsForLowTypes, "msgop(2)",
       "With a negative msgtyp a receiver sleeps until a type up to the absolute value comes") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending low = b.Begin(Receive(q, -2)), higher = c.Begin(Receive(q, -4));
  a.Must(Send(q, 5, "five"));
  EXPECT_THAT(low, IsAsleep());
  EXPECT_THAT(higher, IsAsleep());
  a.Must(Send(q, 3, "three"));
  EXPECT_THAT(low, IsAsleep());
  EXPECT_THAT(higher.Finish(), GivesMessage(3, "three"));
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(low.Finish(), GivesMessage(2, "two"));
}

CLAUSE(SysvMsg, ReceiverSleepsForAnyTypeButOne, "msgop(2)",
       "With MSG_EXCEPT a receiver sleeps while messages of the excepted type only come") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q, 1, MSG_EXCEPT));
  a.Must(Send(q, 1, "one"));
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(receive.Finish(), GivesMessage(2, "two"));
}

CLAUSE(SysvMsg, OneMessageForOneReceiver, "msgop(2)",
       "One message lets one of two sleeping receivers go on, the next one the other") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending first = b.Begin(Receive(q)), second = c.Begin(Receive(q));
  a.Must(Send(q, 1, "x"));
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(Send(q, 1, "y"));
  EXPECT_FALSE(first.asleep() || second.asleep());
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, EachReceiverIsWokenForItsOwn, "msgop(2)",
       "Of receivers that sleep for different types, a message wakes the one it is for") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  const Pending one = b.Begin(Receive(q, 1)), two = c.Begin(Receive(q, 2)),
                not_one = d.Begin(Receive(q, 1, MSG_EXCEPT));
  a.Must(Send(q, 1, "one"));
  EXPECT_THAT(one.Finish(), GivesMessage(1, "one"));
  EXPECT_THAT(two, IsAsleep());
  EXPECT_THAT(not_one, IsAsleep());
  a.Must(Send(q, 3, "three"));
  EXPECT_THAT(not_one.Finish(), GivesMessage(3, "three"));
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(two.Finish(), GivesMessage(2, "two"));
}

CLAUSE(SysvMsg, SleepersSleepOnTheirQueue, "msgop(2)",
       "What happens in one queue wakes no one who sleeps on another") {
  const MsgId q = MakeQueue(a), r = MakeSmallQueue(a, 1), s = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(r, 1, "x"));
  const Pending receive = b.Begin(Receive(q)), send = c.Begin(Send(r, 1, "y"));
  a.Must(Send(s, 1, "z"));
  a.Must(Receive(s));
  EXPECT_THAT(receive, IsAsleep());
  EXPECT_THAT(send, IsAsleep());
}

CLAUSE(SysvMsg, SenderSleepsWhileFull, "msgop(2)",
       "msgsnd to a full queue sleeps until there is room, and its message then comes last") {
  const MsgId q = MakeSmallQueue(a, 8);
  TaskHandle b = a.Fork();
  a.Must(Send(q, 1, "1234"));
  a.Must(Send(q, 1, "5678"));
  const Pending send = b.Begin(Send(q, 1, "late"));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_EQ(FieldOf(a, q, kMsgQnum), 2);  // it is not there before
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "1234"));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "5678"));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "late"));
}

CLAUSE(SysvMsg, SenderSleepsByCount, "msgop(2)",
       "msgsnd of an empty text sleeps while there are msg_qbytes messages") {
  const MsgId q = MakeSmallQueue(a, 2);
  TaskHandle b = a.Fork();
  a.Must(Send(q, 1, ""));
  a.Must(Send(q, 2, ""));
  const Pending send = b.Begin(Send(q, 3, ""));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(a.Do(Receive(q, 2)), GivesMessage(2, ""));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, ""));
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(3, ""));
}

CLAUSE(SysvMsg, SenderSleepsUntilEnoughRoom, "msgop(2)",
       "A sender sleeps until there is room for all of its text; a part is never sent") {
  const MsgId q = MakeSmallQueue(a, 8);
  TaskHandle b = a.Fork();
  for (const char* text : {"123", "456", "78"}) a.Must(Send(q, 1, text));
  const Pending send = b.Begin(Send(q, 2, "abcdef"));
  a.Must(Receive(q));
  EXPECT_THAT(send, IsAsleep());
  a.Must(Receive(q));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(a.Do(Receive(q, 2)), GivesMessage(2, "abcdef"));
}

CLAUSE(SysvMsg, SmallSenderPassesALargeOne, "msgop(2)",
       "A sender goes on when there is room for its message, though another needs more") {
  const MsgId q = MakeSmallQueue(a, 8);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "12"));
  a.Must(Send(q, 1, "345678"));
  const Pending large = b.Begin(Send(q, 2, "abcdefgh")), small = c.Begin(Send(q, 3, "xy"));
  EXPECT_THAT(small, IsAsleep());
  a.Must(Receive(q));
  EXPECT_THAT(large, IsAsleep());
  EXPECT_THAT(small.Finish(), Gives(0));
}

CLAUSE(SysvMsg, RoomForSeveralSenders, "msgop(2)",
       "One receipt lets every sender go on for whom there is room, and no message is lost") {
  const MsgId q = MakeSmallQueue(a, 6);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  a.Must(Send(q, 9, "123456"));
  const Pending first = b.Begin(Send(q, 1, "aa")), second = c.Begin(Send(q, 2, "bb")),
                third = d.Begin(Send(q, 3, "cc"));
  a.Must(Receive(q));
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
  EXPECT_THAT(third.Finish(), Gives(0));
  EXPECT_THAT(a.Do(TryReceive(q, 2)), GivesMessage(2, "bb"));
  EXPECT_THAT(a.Do(TryReceive(q, 1)), GivesMessage(1, "aa"));
  EXPECT_THAT(a.Do(TryReceive(q, 3)), GivesMessage(3, "cc"));
}

CLAUSE(SysvMsg, SendersGoOnOneByOne, "msgop(2)",
       "Each receipt from a queue of one message lets one of several senders go on") {
  const MsgId q = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "0"));
  const Pending first = b.Begin(Send(q, 1, "1")), second = c.Begin(Send(q, 1, "2"));
  a.Must(Receive(q));
  EXPECT_NE(first.asleep(), second.asleep());
  a.Must(Receive(q));
  EXPECT_FALSE(first.asleep() || second.asleep());
  a.Must(Receive(q));
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, MoreBytesWakeSenders, "msgctl(2)",
       "Raising msg_qbytes lets senders go on as far as there is room now") {
  const MsgId q = MakeSmallQueue(a, 2);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "12"));
  const Pending small = b.Begin(Send(q, 2, "34")), large = c.Begin(Send(q, 3, "567890"));
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 5});
  EXPECT_THAT(small.Finish(), Gives(0));
  EXPECT_THAT(large, IsAsleep());
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 10});
  EXPECT_THAT(large.Finish(), Gives(0));
  EXPECT_EQ(FieldOf(a, q, kMsgCbytes), 10);
}

CLAUSE(SysvMsg, LargerThanTheQueueSleeps, "msgop(2)",
       "A message larger than msg_qbytes waits in an empty queue until that is raised") {
  const MsgId q = MakeSmallQueue(a, 3);
  TaskHandle b = a.Fork();
  const Pending send = b.Begin(Send(q, 1, "1234"));
  EXPECT_THAT(send, IsAsleep());
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 4});
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(SysvMsg, FewerBytesHoldSendersUp, "msgctl(2)",
       "After msg_qbytes was lowered senders sleep until the queue has drained so far") {
  const MsgId q = MakeSmallQueue(a, 9);
  TaskHandle b = a.Fork();
  for (const char* text : {"123", "456", "789"}) a.Must(Send(q, 1, text));
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 4});
  const Pending send = b.Begin(Send(q, 2, "ab"));
  a.Must(Receive(q));
  a.Must(Receive(q));
  EXPECT_THAT(send, IsAsleep());
  a.Must(Receive(q));
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(SysvMsg, CutTextMakesRoomForSenders, "msgop(2)",
       "A receipt with MSG_NOERROR makes room of the whole text's size for a sender") {
  const MsgId q = MakeSmallQueue(a, 8);
  TaskHandle b = a.Fork();
  a.Must(Send(q, 1, "12345678"));
  const Pending send = b.Begin(Send(q, 1, "abcdefgh"));
  EXPECT_THAT(a.Do(Receive(q, 0, MSG_NOERROR, 1)), GivesMessage(1, "1"));
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(SysvMsg, TooLongMakesNoRoom, "msgop(2)",
       "A receipt that fails with E2BIG frees nothing: a sender sleeps on") {
  const MsgId q = MakeSmallQueue(a, 4);
  TaskHandle b = a.Fork();
  a.Must(Send(q, 1, "1234"));
  const Pending send = b.Begin(Send(q, 1, "a"));
  EXPECT_THAT(a.Do(Receive(q, 0, 0, 3)), FailsWith(E2BIG));
  EXPECT_THAT(send, IsAsleep());
  EXPECT_THAT(a.Do(Receive(q)), GivesMessage(1, "1234"));
  EXPECT_THAT(send.Finish(), Gives(0));
}

CLAUSE(SysvMsg, WokenSenderWakesAReceiver, "msgop(2)",
       "A receipt lets a sender go on, whose message lets a receiver of its type go on") {
  const MsgId q = MakeSmallQueue(a, 2);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "11"));
  const Pending receive = b.Begin(Receive(q, 2)), send = c.Begin(Send(q, 2, "22"));
  EXPECT_THAT(send, IsAsleep());  // a waiting receiver is no room
  EXPECT_THAT(receive, IsAsleep());
  a.Must(Receive(q));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(receive.Finish(), GivesMessage(2, "22"));
}

CLAUSE(SysvMsg, WokenReceiverWakesASender, "msgop(2)",
       "A sleeping receiver that takes a message makes room for the next sleeping sender") {
  const MsgId q = MakeSmallQueue(a, 2);
  TaskHandle b = a.Fork(), c = a.Fork(), d = a.Fork();
  a.Must(Send(q, 1, "11"));
  const Pending receive = b.Begin(Receive(q, 2)), low = c.Begin(Send(q, 2, "22")),
                high = d.Begin(Send(q, 3, "33"));
  a.Must(Receive(q));
  a.Must(Receive(q, -3));
  EXPECT_FALSE(low.asleep() || high.asleep() || receive.asleep());
}

CLAUSE(SysvMsg, SenderKeepsItsMessage, "msgop(2)",
       "A sender that slept sends the type and the text that it came with") {
  const MsgId q = MakeSmallQueue(a, 16);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "0123456789abcdef"));
  const Pending first = b.Begin(Send(q, 77, "from b, 16 bytes")),
                second = c.Begin(Send(q, 88, "and from c: more"));
  a.Must(Receive(q));
  a.Must(Receive(q));
  a.Must(Receive(q));
  EXPECT_THAT(first.Finish(), Gives(0));
  EXPECT_THAT(second.Finish(), Gives(0));
}

CLAUSE(SysvMsg, TooLongForASleeper, "msgop(2)",
       "A message too long for a sleeping receiver ends its sleep with E2BIG, and is not lost") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q, 0, 0, 3));
  a.Must(Send(q, 1, "1234"));
  EXPECT_THAT(receive.Finish(), FailsWith(E2BIG));
  EXPECT_EQ(FieldOf(a, q, kMsgQnum), 1);
  EXPECT_THAT(a.Do(TryReceive(q)), GivesMessage(1, "1234"));
}

CLAUSE(SysvMsg, TooLongForOneSleeper, "msgop(2)",
       "A message too long for one sleeping receiver goes to another who has room for it") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  const Pending small = b.Begin(Receive(q, 0, 0, 3)), large = c.Begin(Receive(q, 0, 0, 4));
  a.Must(Send(q, 1, "1234"));
  EXPECT_THAT(large.Finish(), GivesMessage(1, "1234"));
  if (!small.asleep()) {  // who saw it first is open
    EXPECT_THAT(small.Finish(), FailsWith(E2BIG));
  }
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, CutForASleeper, "msgop(2)",
       "With MSG_NOERROR a sleeping receiver is given as much of the message as it has room for") {
  const MsgId q = MakeQueue(a);
  TaskHandle b = a.Fork();
  const Pending receive = b.Begin(Receive(q, 0, MSG_NOERROR, 3));
  a.Must(Send(q, 6, "1234"));
  EXPECT_THAT(receive.Finish(), GivesMessage(6, "123"));
  EXPECT_EQ(FieldOf(a, q, kMsgCbytes), 0);
  EXPECT_THAT(a.Do(TryReceive(q)), FailsWith(ENOMSG));
}

CLAUSE(SysvMsg, SettingWakesNoOneInVain, "msgctl(2)",
       "IPC_SET that changes nothing for the sleepers leaves them asleep, and none is forgotten") {
  const MsgId q = MakeSmallQueue(a, 1);
  TaskHandle b = a.Fork(), c = a.Fork();
  a.Must(Send(q, 1, "x"));
  const Pending receive = b.Begin(Receive(q, 2)), send = c.Begin(Send(q, 2, "y"));
  a.Must(MsgSet{.id = q, .mode = 0640, .qbytes = 1});
  a.Must(MsgSet{.id = q, .mode = 0600, .qbytes = 1});
  EXPECT_THAT(receive, IsAsleep());
  EXPECT_THAT(send, IsAsleep());
  a.Must(Receive(q));
  EXPECT_THAT(send.Finish(), Gives(0));
  EXPECT_THAT(receive.Finish(), GivesMessage(2, "y"));
}

CLAUSE(
    SysvMsg, ModeChangedUnderSleepers, "msgctl(2)",
    "A sleeper that loses permission fails with EACCES or stays; who keeps it is not disturbed") {
  RequiresOtherUsers();
  const MsgId q = MakeQueue(a, 0606);
  TaskHandle b = ForkAs(a, 1000, 1000), c = a.Fork();
  const Pending loses = b.Begin(Receive(q, 1)), keeps = c.Begin(Receive(q, 2));
  a.Must(Give(q, 0, 0, 0600));
  EXPECT_THAT(keeps, IsAsleep());
  if (!loses.asleep()) {
    EXPECT_THAT(loses.Finish(), FailsWith(EACCES));
  }
  a.Must(Send(q, 2, "two"));
  EXPECT_THAT(keeps.Finish(), GivesMessage(2, "two"));
}

}  // namespace
}  // namespace ipcspec
