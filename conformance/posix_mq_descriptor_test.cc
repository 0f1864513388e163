// Clauses of POSIX message queues: unusual names and access modes, and what outlives or passes by
// what it was made with: descriptors over execve, O_NONBLOCK that comes later, namespaces:
// mq_open(3), mq_setattr(3), mq_notify(3), mq_overview(7).
#include <fcntl.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

MqOpen Make(std::string name, int64_t access = O_RDWR, int64_t mode = 0600) {
  return {
      .name = std::move(name), .flags = O_CREAT | access, .mode = mode, .maxmsg = 2, .msgsize = 16};
}

testing::Matcher<const Outcome&> Succeeds() { return testing::Field("error", &Outcome::error, 0); }

CLAUSE(PosixMq, AccessModeThatIsNone, "mq_open(3)",
       "With both bits of the access mode set mq_open is EINVAL, or gives a new queue's descriptor "
       "that neither sends nor receives") {
  const Outcome made = a.Do(Make("/q", O_ACCMODE));
  if (made.ok()) {
    EXPECT_THAT(a.Do(MqSend{.fd = made.ret, .data = "x"}), FailsWith(EBADF));
    EXPECT_THAT(a.Do(MqReceive{.fd = made.ret}), FailsWith(EBADF));
    EXPECT_THAT(a.Do(MqGetattr{.fd = made.ret}), GivesValues({0, 2, 16, 0}));
  } else {
    EXPECT_THAT(made, FailsWith(EINVAL));
    a.Must(Make("/q"));
  }
  EXPECT_THAT(a.Do(MqOpen{.name = "/q", .flags = O_ACCMODE}), FailsWith(EINVAL));
}

CLAUSE(PosixMq, NamesOfDirectories, "mq_open(3)", "No queue is named like a directory, . or ..") {
  const auto refused = testing::AnyOf(FailsWith(EACCES), FailsWith(EINVAL));
  for (const char* name : {"/.", "/.."}) {
    EXPECT_THAT(a.Do(Make(name)), refused);
    EXPECT_THAT(a.Do(MqUnlink{.name = name}), testing::AnyOf(refused, FailsWith(ENOENT)));
  }
}

CLAUSE(PosixMq, SlashMayCountInLength, "mq_overview(7)",
       "NAME_MAX characters after the slash are a name to Linux; counting the slash in they are "
       "too many") {
  const std::string name = "/" + std::string(255, 'n');
  const Outcome made = a.Do(Make(name));
  EXPECT_THAT(made, testing::AnyOf(Succeeds(), FailsWith(ENAMETOOLONG)));
  if (made.ok()) {
    EXPECT_THAT(a.Do(MqUnlink{.name = name}), Gives(0));
  }
}

CLAUSE(PosixMq, FileOfNoName, "mq_overview(7)",
       "What is too long for a name, or has no slash before it, has no file either") {
  a.Must(Make("/q"));
  EXPECT_FALSE(a.Do(MqFile{.name = "/" + std::string(256, 'n')}).ok());
  EXPECT_FALSE(a.Do(MqFile{.name = "q"}).ok());
  EXPECT_THAT(a.Do(MqFile{.name = "/r"}), FailsWith(ENOENT));
}

CLAUSE(PosixMq, FileIsReadWithPermission, "mq_overview(7)",
       "The file of a queue is read by whom its mode lets read: else EACCES") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  a.Must(Make("/q", O_RDWR, 0604)), a.Must(Make("/r", O_RDWR, 0620));
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_THAT(b.Do(MqFile{.name = "/q"}), Succeeds());
  EXPECT_THAT(b.Do(MqFile{.name = "/r"}), FailsWith(EACCES));
}

CLAUSE(PosixMq, NonblockUnderASleeper, "mq_setattr(3)",
       "Who sleeps when O_NONBLOCK is set for its descriptor may fail with EAGAIN or sleep on, and "
       "then gets the next message") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();  // the same open file description
  const Pending receive = b.Begin(MqReceive{.fd = q, .size = 16});
  a.Must(MqSetattr{.fd = q, .flags = O_NONBLOCK});
  a.Must(MqSend{.fd = q, .data = "x"});
  EXPECT_THAT(receive.Finish(), testing::AnyOf(Gives(1, "x"), FailsWith(EAGAIN)));
  EXPECT_THAT(b.Do(MqReceive{.fd = q, .size = 16}),
              testing::AnyOf(Gives(1, "x"), FailsWith(EAGAIN)));
}

CLAUSE(PosixMq, QueueBytesAboveTheHardLimit, "setrlimit(2)",
       "RLIMIT_MSGQUEUE goes up to the hard limit, and not above: EINVAL") {
  const int64_t soft = dialect().max_queue_bytes;
  Requires(soft < INT64_MAX, "there is no limit to the bytes of queues here");
  for (const int64_t bytes : {soft + 1, int64_t{-1}}) {  // -1: none
    EXPECT_THAT(a.Do(LimitQueueBytes{.bytes = bytes}),
                testing::AnyOf(Gives(0), FailsWith(EINVAL), FailsWith(EPERM)));
  }
  EXPECT_THAT(a.Do(Make("/q")), Succeeds());
}

CLAUSE(PosixMq, SignalZeroTellsNobody, "mq_notify(3)",
       "To register for signal 0 is EINVAL, or comes to nothing: a message uses it up") {
  const Fd q = a.Must(Make("/q"));
  const Outcome registered = a.Do(MqNotify{.fd = q, .how = Notify::kSignal, .signal = 0});
  EXPECT_THAT(registered, testing::AnyOf(Gives(0), FailsWith(EINVAL)));
  a.Must(MqSend{.fd = q, .data = "x"});
  EXPECT_THAT(a.Do(MqNotify{.fd = q, .how = Notify::kNone}), Gives(0));
}

// A child that registered, and runs another program with the descriptor still open.
TaskHandle RegisteredThenExec(TaskHandle& a, Fd q, Notify how) {
  TaskHandle b = a.Fork();
  b.Must(Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR1});
  b.Must(MqNotify{.fd = q, .how = how, .signal = SIGUSR1});
  b.Must(SetFdFlags{.fd = q, .flags = 0});
  b.Must(Exec{});
  return b;
}

CLAUSE(PosixMq, RegistrationLivesThroughExec, "mq_notify(3)",
       "With its descriptor a registration lives through execve: no other process can register "
       "until a message came, of which the new program may be told, or not") {
  const Fd q = a.Must(Make("/q"));
  for (const Notify how : {Notify::kSignal, Notify::kNone, Notify::kThread}) {
    TaskHandle b = RegisteredThenExec(a, q, how);
    EXPECT_THAT(a.Do(MqNotify{.fd = q, .how = Notify::kNone}), FailsWith(EBUSY));
    a.Must(MqSend{.fd = q, .data = "x"});
    EXPECT_THAT(b.Do(MqNotices{}), GivesValues({}));
    EXPECT_THAT(a.Do(MqNotify{.fd = q, .how = Notify::kNone}), Gives(0));
    a.Must(MqNotify{.fd = q, .how = Notify::kRemove});
    a.Must(MqReceive{.fd = q, .size = 16});
  }
}

CLAUSE(PosixMq, NewProgramTakesItBack, "mq_notify(3)",
       "What a process registered before execve it can take back after it, or end by closing") {
  const Fd q = a.Must(Make("/q")), other = a.Must(MqOpen{.name = "/q", .flags = O_RDWR});
  TaskHandle b = RegisteredThenExec(a, q, Notify::kThread);
  b.Must(MqNotify{.fd = q, .how = Notify::kRemove});
  EXPECT_THAT(b.Do(MqNotices{}), GivesValues({}));
  TaskHandle c = RegisteredThenExec(a, q, Notify::kSignal);
  c.Must(Close{.fd = q});
  EXPECT_THAT(a.Do(MqNotify{.fd = other, .how = Notify::kNone}), Gives(0));
}

CLAUSE(PosixMq, RegistrationsByTheirQueues, "mq_notify(3)",
       "execve with descriptors of two queues keeps the one registration and touches no other") {
  const Fd q = a.Must(Make("/q")), r = a.Must(Make("/r"));
  a.Must(MqNotify{.fd = r, .how = Notify::kNone});
  TaskHandle b = RegisteredThenExec(a, q, Notify::kSignal);
  EXPECT_THAT(b.Do(MqNotify{.fd = q, .how = Notify::kRemove}), Gives(0));
  EXPECT_THAT(a.Do(MqNotify{.fd = r, .how = Notify::kNone}), FailsWith(EBUSY));
}

CLAUSE(PosixMq, ReceiverInAnotherNamespace, "ipc_namespaces(7)",
       "Who waits on a queue of the same name in another namespace keeps nobody from being told") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();
  Requires(b.Do(UnshareIpc{}).ok(), "this run cannot make an IPC namespace");
  const Fd own = b.Must(Make("/q"));
  const Pending receive = b.Begin(MqReceive{.fd = own, .size = 16});
  a.Must(MqNotify{.fd = q, .how = Notify::kThread});
  a.Must(MqSend{.fd = q, .data = "x"});
  EXPECT_THAT(a.Do(MqNotices{}), GivesValues({1}));
  EXPECT_THAT(receive, IsAsleep());
}

}  // namespace
}  // namespace ipcspec
