// Clauses of POSIX message queues: notification of messages that arrive: mq_notify(3),
// mq_overview(7), mq_close(3).
#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

using testing::_;

Fd MakeQueue(TaskHandle& a, int64_t maxmsg = 4, int64_t mode = 0600) {
  return a.Must(MqOpen{.name = "/q",
                       .flags = O_CREAT | O_EXCL | O_RDWR,
                       .mode = mode,
                       .maxmsg = maxmsg,
                       .msgsize = 16});
}

MqSend Send(Fd fd, std::string text = "x") { return {.fd = fd, .data = Bytes(std::move(text))}; }

// The task asks for SIGUSR1, which it blocks: what came is seen as pending.
MqNotify Signals(Fd fd, int64_t value = 0) {
  return {.fd = fd, .how = Notify::kSignal, .signal = SIGUSR1, .value = value};
}
void Block(TaskHandle& task) {
  task.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR1});
}
bool IsTold(TaskHandle& task) { return !task.Do(Sigpending{}).values.empty(); }

// Some task is registered with the queue: another cannot be.
bool IsTaken(TaskHandle& task, Fd fd) {
  const Outcome outcome = task.Do(MqNotify{.fd = fd, .how = Notify::kNone});
  if (outcome.ok()) task.Must(MqNotify{.fd = fd, .how = Notify::kRemove});
  return outcome.error == EBUSY;
}

// What the queue's file says: SIGEV_*, signal, task.
testing::Matcher<const Outcome&> Registered(int64_t how, testing::Matcher<int64_t> signal,
                                            int64_t task) {
  return testing::Field("values", &Outcome::values, testing::ElementsAre(_, how, signal, task));
}
testing::Matcher<const Outcome&> NobodyRegistered() {
  return testing::Field("values", &Outcome::values, testing::ElementsAre(_, _, _, -1));
}

CLAUSE(PosixMq, NotifiedBySignal, "mq_notify(3)",
       "A message that arrives in the empty queue raises the signal that was asked for") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  EXPECT_FALSE(IsTold(b));
  a.Must(Send(q));
  EXPECT_THAT(b.Do(Sigpending{}), GivesValues({SIGUSR1}));
  EXPECT_THAT(b.Do(MqReceive{.fd = q}), Gives(1, "x"));
}

CLAUSE(PosixMq, HandlerOfNotificationRuns, "mq_notify(3)",
       "The handler of the signal runs, and learns who sent the message and the value asked for") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  b.Must(Signals(q, 4713));
  c.Must(Send(q));
  EXPECT_THAT(b.Do(SignalInfo{}), GivesValues({SIGUSR1, SI_MESGQ, c.task(), 0, 4713}));
}

CLAUSE(PosixMq, SenderMayNotifyItself, "mq_notify(3)",
       "Who is registered and sends is told like any, before its call returns") {
  const Fd q = MakeQueue(a);
  a.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  a.Must(Signals(q, 5));
  EXPECT_THAT(a.Do(Send(q)), Gives(0));
  EXPECT_THAT(a.Do(SignalInfo{}), GivesValues({SIGUSR1, SI_MESGQ, a.task(), 0, 5}));
}

CLAUSE(PosixMq, SenderIsNamedByItsRealUser, "mq_notify(3)",
       "si_uid is the real user of the sender, who need not be allowed to signal the other") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  const Fd q = MakeQueue(a, 4, 0666);
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  a.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  a.Must(Signals(q, 1));
  b.Must(Send(q));
  EXPECT_THAT(a.Do(SignalInfo{}), GivesValues({SIGUSR1, SI_MESGQ, b.task(), 1000, 1}));
}

CLAUSE(PosixMq, NotificationMayKill, "mq_notify(3)",
       "The signal does what any signal does: one that is not handled ends the process") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Signals(q));
  a.Must(Send(q));
  EXPECT_FALSE(b.alive());
  EXPECT_THAT(a.Do(Wait{.target = b.task()}), GivesValues({SIGUSR1}));
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), NobodyRegistered());
}

CLAUSE(PosixMq, NotificationInterrupts, "mq_notify(3)",
       "The signal ends the sleep of a registered process in a call on something else") {
  const Fd q = MakeQueue(a);
  const PipeEnds pipe = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  b.Must(Signals(q));
  const Pending read = b.Begin(Read{.fd = pipe.read, .count = 1});
  EXPECT_THAT(read, IsAsleep());
  a.Must(Send(q));
  EXPECT_THAT(read.Finish(), FailsWith(EINTR));
}

CLAUSE(
    PosixMq, NotifiedOnce, "mq_notify(3)",
    "One message uses the registration up: the next one tells nobody, and another may register") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  b.Must(Signals(q, 1));
  a.Must(Send(q));
  EXPECT_FALSE(IsTaken(a, q));
  a.Must(MqReceive{.fd = q});
  Block(b);
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
}

CLAUSE(PosixMq, RegisteredAgain, "mq_notify(3)", "Who was told registers again to be told again") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  for (const int64_t value : {7, 8}) {
    EXPECT_THAT(b.Do(Signals(q, value)), Gives(0));
    a.Must(Send(q));
    EXPECT_THAT(b.Do(SignalInfo{}), GivesValues({SIGUSR1, SI_MESGQ, a.task(), 0, value}));
    b.Must(MqReceive{.fd = q});
  }
}

CLAUSE(
    PosixMq, OnlyIntoTheEmptyQueue, "mq_notify(3)",
    "A message that finds others in the queue tells nobody; after it was emptied the next does") {
  const Fd q = MakeQueue(a);
  a.Must(Send(q));
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  EXPECT_FALSE(IsTold(b));
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
  a.Must(MqReceive{.fd = q});
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
  a.Must(MqReceive{.fd = q});
  a.Must(MqReceive{.fd = q});
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, ReceiverComesFirst, "mq_notify(3)",
       "A message for which a receiver waits goes to it and tells nobody; the registration stays") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  Block(b);
  b.Must(Signals(q));
  const Pending receive = c.Begin(MqReceive{.fd = q});
  a.Must(Send(q));
  EXPECT_THAT(receive.Finish(), Gives(1, "x"));
  EXPECT_FALSE(IsTold(b));
  EXPECT_TRUE(IsTaken(a, q));
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, ReceiverOfAnotherQueue, "mq_notify(3)",
       "Who waits for a message of another queue does not keep the registered one from being "
       "told") {
  const Fd q = MakeQueue(a);
  const Fd other =
      a.Must(MqOpen{.name = "/r", .flags = O_CREAT | O_RDWR, .maxmsg = 2, .msgsize = 16});
  TaskHandle b = a.Fork(), c = a.Fork();
  Block(b);
  b.Must(Signals(q));
  const Pending receive = c.Begin(MqReceive{.fd = other});
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
  EXPECT_THAT(receive, IsAsleep());
}

CLAUSE(PosixMq, GoneReceiverDoesNotCount, "mq_notify(3)",
       "A receiver that gave up waiting does not keep the registered one from being told") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  Block(b);
  b.Must(Signals(q));
  c.Begin(MqReceive{.fd = q});
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, OneRegistration, "mq_notify(3)",
       "A queue has one registration: another is EBUSY, whoever asks and however") {
  const Fd q = MakeQueue(a);
  const Fd other = a.Must(MqOpen{.name = "/q", .flags = O_RDWR});
  TaskHandle b = a.Fork();
  a.Must(Signals(q));
  for (const Notify how : {Notify::kSignal, Notify::kNone, Notify::kThread}) {
    const MqNotify more{.fd = other, .how = how, .signal = SIGUSR2};
    EXPECT_THAT(b.Do(more), FailsWith(EBUSY));
    EXPECT_THAT(a.Do(more), FailsWith(EBUSY));
  }
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), Registered(SIGEV_SIGNAL, SIGUSR1, a.task()));
}
PROVOKES(PosixMq, OneRegistration, "mq_notify.3", "mq_notify", "EBUSY",
         "another process is already registered");

CLAUSE(PosixMq, RegistrationIsTakenBack, "mq_notify(3)",
       "Without a structure mq_notify removes the caller's registration: nobody is told then") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  EXPECT_THAT(b.Do(MqNotify{.fd = q, .how = Notify::kRemove}), Gives(0));
  EXPECT_FALSE(IsTaken(a, q));
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
}

CLAUSE(PosixMq, OthersCannotTakeItBack, "mq_notify(3)",
       "What another process registered stays when a process without registration removes its") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  (void)a.Do(MqNotify{.fd = q, .how = Notify::kRemove});
  EXPECT_TRUE(IsTaken(a, q));
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, NotifyOfNothing, "mq_notify(3)",
       "SIGEV_NONE registers, so that nobody else can, and a message ends that silently") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(MqNotify{.fd = q, .how = Notify::kNone});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), Registered(SIGEV_NONE, _, b.task()));
  EXPECT_TRUE(IsTaken(a, q));
  a.Must(Send(q));
  EXPECT_FALSE(IsTaken(a, q));
  EXPECT_TRUE(b.alive());
}

CLAUSE(PosixMq, NotifyByThread, "mq_notify(3)",
       "SIGEV_THREAD tells of a message once, through what the C library waits for") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(MqNotify{.fd = q, .how = Notify::kThread});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), Registered(SIGEV_THREAD, _, b.task()));
  EXPECT_THAT(b.Do(MqNotices{}), GivesValues({}));
  a.Must(Send(q));
  a.Must(Send(q));
  EXPECT_THAT(b.Do(MqNotices{}), GivesValues({1}));
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), NobodyRegistered());
}

CLAUSE(
    PosixMq, RemovedByThread, "mq_notify(3)",
    "A SIGEV_THREAD registration that is taken back lets the C library know, and no thread run") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  b.Must(MqNotify{.fd = q, .how = Notify::kThread});
  b.Must(MqNotify{.fd = q, .how = Notify::kRemove});
  a.Must(Send(q));
  EXPECT_THAT(b.Do(MqNotices{}), GivesValues({2}));
}

CLAUSE(PosixMq, BadNotification, "mq_notify(3)",
       "A sigev_notify that is none, or a number that is no signal, is EINVAL; nobody registers") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(MqNotify{.fd = q, .how = Notify::kBad}), FailsWith(EINVAL));
  for (const int signal : {65, 1000, -1}) {
    EXPECT_THAT(a.Do(MqNotify{.fd = q, .signal = signal}), FailsWith(EINVAL));
  }
  EXPECT_FALSE(IsTaken(a, q));
}
PROVOKES(PosixMq, BadNotification, "mq_notify.3", "mq_notify", "EINVAL",
         "bad sigev_notify or signal number");

CLAUSE(PosixMq, NotifyOnNoQueue, "mq_notify(3)",
       "mq_notify on what is no queue descriptor is EBADF, with a structure and without") {
  const PipeEnds pipe = a.Pipe();
  for (const Fd fd : {pipe.read, Fd(99)}) {
    EXPECT_THAT(a.Do(Signals(fd)), FailsWith(EBADF));
    EXPECT_THAT(a.Do(MqNotify{.fd = fd, .how = Notify::kNone}), FailsWith(EBADF));
    EXPECT_THAT(a.Do(MqNotify{.fd = fd, .how = Notify::kRemove}), FailsWith(EBADF));
  }
}
PROVOKES(PosixMq, NotifyOnNoQueue, "mq_notify.3", "mq_notify", "EBADF", "bad descriptor");

CLAUSE(PosixMq, NotificationForAnyDirection, "mq_notify(3)",
       "A descriptor that only sends registers as well as one that receives") {
  const Fd q = MakeQueue(a);
  const Fd out = a.Must(MqOpen{.name = "/q", .flags = O_WRONLY});
  TaskHandle b = a.Fork();
  Block(b);
  EXPECT_THAT(b.Do(Signals(out)), Gives(0));
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, CloseRemovesTheRegistration, "mq_close(3)",
       "Closing the descriptor by which it registered ends a process's registration") {
  const Fd q = MakeQueue(a);
  const Fd other = a.Must(MqOpen{.name = "/q", .flags = O_RDWR});
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  EXPECT_TRUE(IsTaken(a, other));
  b.Must(Close{.fd = q});
  EXPECT_FALSE(IsTaken(a, other));
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
}

CLAUSE(PosixMq, OverwritingRemovesTheRegistration, "mq_close(3)",
       "dup2 onto the descriptor by which a process registered closes it, and ends that too") {
  const Fd q = MakeQueue(a);
  const PipeEnds pipe = a.Pipe();
  TaskHandle b = a.Fork();
  b.Must(Signals(q));
  b.Must(Dup2{.fd = pipe.read, .to = q});
  EXPECT_FALSE(IsTaken(a, q));
}

CLAUSE(PosixMq, OthersClosingChangesNothing, "mq_close(3)",
       "When other processes close their descriptors, the registration stays") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = b.Fork();
  Block(b);
  b.Must(Signals(q));
  TaskHandle child = b.Fork();
  child.Must(Close{.fd = q});
  c.Must(Close{.fd = q});
  child.Begin(Exit{});
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, ChildIsNotRegistered, "mq_notify(3)",
       "The registration is the process's own: its child is not told, nor can it take it back") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  TaskHandle child = b.Fork();
  (void)child.Do(MqNotify{.fd = q, .how = Notify::kRemove});
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
  EXPECT_FALSE(IsTold(child));
}

CLAUSE(PosixMq, DeathRemovesTheRegistration, "mq_notify(3)",
       "When the registered process has ended another can register, and nobody else is told") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork(), c = a.Fork();
  Block(a);
  b.Must(Signals(q));
  b.Begin(Exit{});
  EXPECT_FALSE(IsTaken(a, q));
  c.Must(Signals(q));
  a.Must(Kill{.target = c.task(), .signal = SIGKILL});
  EXPECT_THAT(a.Do(Signals(q)), Gives(0));
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(a));
}

CLAUSE(PosixMq, ExecRemovesTheRegistration, "mq_close(3)",
       "execve closes the queue descriptors, and so ends the registration") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  b.Must(Exec{});
  EXPECT_FALSE(IsTaken(a, q));
  a.Must(Send(q));
  EXPECT_FALSE(IsTold(b));
}

CLAUSE(PosixMq, UnlinkedQueueStillNotifies, "mq_notify(3)",
       "Notification works on a queue that is unlinked, and not by another of the same name") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  a.Must(MqUnlink{.name = "/q"});
  const Fd fresh = MakeQueue(a);
  a.Must(Send(fresh));
  EXPECT_FALSE(IsTold(b));
  a.Must(Send(q));
  EXPECT_TRUE(IsTold(b));
}

CLAUSE(PosixMq, FailedSendTellsNobody, "mq_notify(3)",
       "A call that sends no message tells nobody") {
  const Fd q = MakeQueue(a);
  TaskHandle b = a.Fork();
  Block(b);
  b.Must(Signals(q));
  EXPECT_THAT(a.Do(Send(q, std::string(17, 'x'))), FailsWith(EMSGSIZE));
  EXPECT_THAT(a.Do(MqReceive{.fd = q, .size = 1}), FailsWith(EMSGSIZE));
  EXPECT_FALSE(IsTold(b));
  EXPECT_TRUE(IsTaken(a, q));
}

CLAUSE(PosixMq, FileShowsTheRegistration, "mq_overview(7)",
       "The queue's file shows who is registered and how, and after a message nobody") {
  const Fd q = MakeQueue(a);
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), NobodyRegistered());
  TaskHandle b = a.Fork();
  b.Must(Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandle});
  b.Must(MqNotify{.fd = q, .how = Notify::kSignal, .signal = SIGUSR2});
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), Registered(SIGEV_SIGNAL, SIGUSR2, b.task()));
  a.Must(Send(q));
  EXPECT_THAT(a.Do(MqFile{.name = "/q"}), NobodyRegistered());
}

EXCUSED("mq_notify.3", "mq_notify", "ENOMEM", "memory short",
        "the machine would have to run out of memory");
EXCUSED("mq_notify.3", "mq_notify", "EINVAL", "POSIX-permitted: NULL sevp when not registered",
        "POSIX allows it, Linux does not do it: OthersCannotTakeItBack makes such a call, and both "
        "outcomes are in order");

}  // namespace
}  // namespace ipcspec
