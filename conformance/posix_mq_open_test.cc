// Clauses of POSIX message queues: names, opening, making, unlinking, permissions, limits:
// mq_open(3), mq_close(3), mq_unlink(3), mq_overview(7), getrlimit(2).
#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

MqOpen Make(std::string name, int64_t access = O_RDWR, int64_t mode = 0600) {
  return {
      .name = std::move(name), .flags = O_CREAT | access, .mode = mode, .maxmsg = 2, .msgsize = 16};
}
MqOpen Find(std::string name, int64_t access = O_RDWR) {
  return {.name = std::move(name), .flags = access};
}
MqOpen Sized(int64_t maxmsg, int64_t msgsize) {
  return {.name = "/q", .flags = O_CREAT | O_RDWR, .maxmsg = maxmsg, .msgsize = msgsize};
}

TaskHandle OtherUser(TaskHandle& a, int64_t uid = 1000, int64_t gid = 1000) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

CLAUSE(PosixMq, NameFindsTheQueue, "mq_overview(7)",
       "Two processes that open the same name use the same queue") {
  TaskHandle b = a.Fork();
  const Fd sender = a.Must(Make("/q", O_WRONLY)), receiver = b.Must(Find("/q", O_RDONLY));
  a.Must(MqSend{.fd = sender, .data = "x"});
  EXPECT_THAT(b.Do(MqReceive{.fd = receiver}), Gives(1, "x"));
}

CLAUSE(PosixMq, NamesAreApart, "mq_overview(7)", "Different names stand for different queues") {
  const Fd q = a.Must(Make("/q")), r = a.Must(Make("/Q"));
  a.Must(MqSend{.fd = q, .data = "x"});
  EXPECT_THAT(a.Do(MqGetattr{.fd = r}), GivesValues({0, 2, 16, 0}));
}

CLAUSE(PosixMq, DescriptorIsAFileDescriptor, "mq_overview(7)",
       "A queue descriptor is the lowest file descriptor that is free, with close-on-exec set") {
  const Fd q = a.Must(Make("/q"));
  EXPECT_EQ(q.value, 3);
  EXPECT_THAT(a.Do(GetFdFlags{.fd = q}), Gives(FD_CLOEXEC));
  EXPECT_THAT(a.Do(Find("/q", O_RDONLY)), Gives(4));
  EXPECT_THAT(a.Do(GetFdFlags{.fd = 4}), Gives(FD_CLOEXEC));
}

CLAUSE(PosixMq, CreationIsAskedFor, "mq_open(3)",
       "Without O_CREAT a name that no queue has is ENOENT, and none is made") {
  EXPECT_THAT(a.Do(Find("/q")), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(MqOpen{.name = "/q", .flags = O_EXCL | O_RDWR}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(MqUnlink{.name = "/q"}), FailsWith(ENOENT));
}
PROVOKES(PosixMq, CreationIsAskedFor, "mq_open.3", "mq_open", "ENOENT", "absent and no O_CREAT");
PROVOKES(PosixMq, CreationIsAskedFor, "mq_unlink.3", "mq_unlink", "ENOENT", "no such queue");

CLAUSE(PosixMq, ExclusiveCreation, "mq_open(3)",
       "O_CREAT with O_EXCL fails with EEXIST when there is a queue; O_CREAT alone opens it") {
  const Fd q = a.Must(Make("/q", O_EXCL | O_RDWR));
  EXPECT_THAT(a.Do(Make("/q", O_EXCL | O_RDWR)), FailsWith(EEXIST));
  a.Must(MqSend{.fd = q, .data = "x"});
  const Fd again = a.Must(Make("/q"));
  EXPECT_THAT(a.Do(MqReceive{.fd = again}), Gives(1, "x"));
}
PROVOKES(PosixMq, ExclusiveCreation, "mq_open.3", "mq_open", "EEXIST",
         "O_CREAT|O_EXCL on existing queue");

CLAUSE(PosixMq, OpeningChangesNoAttribute, "mq_open(3)",
       "Opening a queue that exists leaves its sizes as they were, whatever is asked for") {
  const Fd q = a.Must(Sized(2, 16));
  const Fd again = a.Must(Sized(3, 8));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 2, 16, 0}));
  EXPECT_THAT(a.Do(MqGetattr{.fd = again}), GivesValues({0, 2, 16, 0}));
}

CLAUSE(PosixMq, NameWithoutSlash, "mq_open(3)", "A name must begin with a slash: else EINVAL") {
  EXPECT_THAT(a.Do(Make("q")), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make("")), FailsWith(EINVAL));
  a.Must(Make("/q"));
  EXPECT_THAT(a.Do(Find("q")), FailsWith(EINVAL));
  EXPECT_FALSE(a.Do(MqUnlink{.name = "q"}).ok());
  EXPECT_THAT(a.Do(MqUnlink{.name = "/q"}), Gives(0));
}
PROVOKES(PosixMq, NameWithoutSlash, "mq_open.3", "mq_open", "EINVAL", "bad name form");

CLAUSE(PosixMq, OnlyASlash, "mq_open(3)", "The name that is only a slash is of no queue") {
  const auto none = testing::AnyOf(FailsWith(ENOENT), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Make("/")), none);
  EXPECT_THAT(a.Do(Find("/")), none);
  EXPECT_THAT(a.Do(MqUnlink{.name = "/"}), none);
}
PROVOKES(PosixMq, OnlyASlash, "mq_open.3", "mq_open", "ENOENT", "name is just a slash");

CLAUSE(PosixMq, SecondSlash, "mq_open(3)", "A name with a second slash is refused with EACCES") {
  const auto refused = testing::AnyOf(FailsWith(EACCES), FailsWith(EINVAL));
  for (const char* name : {"/a/b", "//q", "/q/"}) EXPECT_THAT(a.Do(Make(name)), refused);
}
PROVOKES(PosixMq, SecondSlash, "mq_open.3", "mq_open", "EACCES", "more than one slash in the name");

CLAUSE(PosixMq, LongestName, "mq_overview(7)",
       "A name may have NAME_MAX characters; longer ones are ENAMETOOLONG") {
  const std::string longest = "/" + std::string(254, 'n');
  const Fd q = a.Must(Make(longest));
  EXPECT_THAT(a.Do(Find(longest)), Gives(q.value + 1));
  EXPECT_THAT(a.Do(Make(longest + "nn")), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Make("/" + std::string(5000, 'n'))), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(MqUnlink{.name = longest + "nn"}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(MqUnlink{.name = longest}), Gives(0));
}
PROVOKES(PosixMq, LongestName, "mq_open.3", "mq_open", "ENAMETOOLONG", "name too long");
PROVOKES(PosixMq, LongestName, "mq_unlink.3", "mq_unlink", "ENAMETOOLONG", "name too long");

CLAUSE(PosixMq, AnyCharacterInAName, "mq_overview(7)",
       "Any character but the slash can stand in a name") {
  const Fd q = a.Must(Make("/a b.\xc3\xa4\n~"));
  a.Must(MqSend{.fd = q, .data = "x"});
  const Fd again = a.Must(Find("/a b.\xc3\xa4\n~"));
  EXPECT_THAT(a.Do(MqReceive{.fd = again}), Gives(1, "x"));
  EXPECT_THAT(a.Do(Find("/a b.")), FailsWith(ENOENT));
}

CLAUSE(PosixMq, DefaultSizes, "mq_overview(7)",
       "Without attributes a queue has the default sizes of /proc/sys/fs/mqueue, never above the "
       "maxima") {
  const Fd q = a.Must(MqOpen{.name = "/q", .flags = O_CREAT | O_RDWR});
  const int64_t maxmsg =
      std::min(dialect().Get(Limit::kMqMsgDefault), dialect().Get(Limit::kMqMsgMax));
  const int64_t msgsize =
      std::min(dialect().Get(Limit::kMqMsgsizeDefault), dialect().Get(Limit::kMqMsgsizeMax));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, maxmsg, msgsize, 0}));
}

CLAUSE(PosixMq, SizesArePositive, "mq_open(3)",
       "A new queue holds at least one message of at least one byte: else EINVAL") {
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    EXPECT_THAT(a.Do(Sized(bad, 16)), FailsWith(EINVAL));
    EXPECT_THAT(a.Do(Sized(2, bad)), FailsWith(EINVAL));
  }
  EXPECT_THAT(a.Do(Find("/q")), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Sized(1, 1)), Gives(3));
}
PROVOKES(PosixMq, SizesArePositive, "mq_open.3", "mq_open", "EINVAL",
         "attr maxmsg/msgsize non-positive or above limits");

CLAUSE(PosixMq, SizesOfTheUnprivileged, "mq_overview(7)",
       "Who lacks CAP_SYS_RESOURCE may not pass msg_max and msgsize_max, and may reach them") {
  RequiresOtherUsers();
  const int64_t maxmsg = dialect().Get(Limit::kMqMsgMax);
  const int64_t msgsize = dialect().Get(Limit::kMqMsgsizeMax);
  Requires(maxmsg < 1000 && msgsize < 100'000, "the limits of this machine are set high");
  TaskHandle b = OtherUser(a);
  EXPECT_THAT(b.Do(Sized(maxmsg + 1, 1)), FailsWith(EINVAL));
  EXPECT_THAT(b.Do(Sized(1, msgsize + 1)), FailsWith(EINVAL));
  EXPECT_THAT(b.Do(Sized(maxmsg, 1)), Gives(3));
  b.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(b.Do(Sized(1, msgsize)), Gives(4));
}

CLAUSE(PosixMq, SizesOfThePrivileged, "mq_overview(7)",
       "CAP_SYS_RESOURCE passes msg_max and msgsize_max, and not the hard limits") {
  Requires(dialect().cap_sys_resource, "user 0 of this run lacks CAP_SYS_RESOURCE");
  const int64_t maxmsg = dialect().Get(Limit::kMqMsgMax);
  const int64_t msgsize = dialect().Get(Limit::kMqMsgsizeMax);
  Requires(maxmsg < 1000 && msgsize < 100'000, "the limits of this machine are set high");
  EXPECT_THAT(a.Do(Sized(maxmsg + 1, 1)), Gives(3));
  a.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(a.Do(Sized(1, msgsize + 1)), Gives(4));
  a.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(a.Do(Sized(65537, 1)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Sized(1, 16'777'217)), FailsWith(EINVAL));
}

CLAUSE(PosixMq, ModeAndUmask, "mq_open(3)",
       "A new queue has the mode that is asked for without the umask's bits, and its maker owns "
       "it") {
  a.Must(Umask{.mask = 0027});
  const Fd q = a.Must(Make("/q", O_RDWR, 0666));
  const Outcome stat = a.Do(Fstat{.fd = q});
  ASSERT_EQ(stat.values.size(), 4);
  EXPECT_EQ(stat.values[0] & 0777, 0640);
  EXPECT_EQ(stat.values[1], 0);
  EXPECT_EQ(stat.values[2], 0);
}

CLAUSE(PosixMq, OwnerIsTheCaller, "mq_open(3)",
       "Owner and group of a new queue are the caller's effective ids") {
  RequiresOtherUsers();
  TaskHandle b = OtherUser(a, 1000, 1001);
  const Fd q = b.Must(Make("/q"));
  const Outcome stat = b.Do(Fstat{.fd = q});
  ASSERT_EQ(stat.values.size(), 4);
  EXPECT_EQ(stat.values[1], 1000);
  EXPECT_EQ(stat.values[2], 1001);
}

CLAUSE(PosixMq, ModeDeniesOthers, "mq_open(3)",
       "Opening to receive takes permission to read, to send permission to write: else EACCES") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  TaskHandle b = OtherUser(a);
  for (const int64_t mode : {0600, 0604, 0602, 0606}) {
    const std::string name = std::string("/q") + static_cast<char>('0' + mode % 8);
    a.Must(Make(name, O_RDWR, mode));
    EXPECT_EQ(b.Do(Find(name, O_RDONLY)).ok(), (mode & 4) != 0) << mode;
    EXPECT_EQ(b.Do(Find(name, O_WRONLY)).ok(), (mode & 2) != 0) << mode;
    EXPECT_EQ(b.Do(Find(name, O_RDWR)).ok(), (mode & 6) == 6) << mode;
  }
}
PROVOKES(PosixMq, ModeDeniesOthers, "mq_open.3", "mq_open", "EACCES", "queue exists, mode denies");

CLAUSE(PosixMq, OneClassCounts, "mq_open(3)",
       "The owner goes by the owner's bits and the group by the group's, even if others may more") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  TaskHandle owner = OtherUser(a, 1000, 1000), member = OtherUser(a, 1001, 1000),
             other = OtherUser(a, 1002, 1002);
  owner.Must(Make("/mine", O_RDWR, 0066));
  EXPECT_THAT(owner.Do(Find("/mine")), FailsWith(EACCES));
  EXPECT_THAT(member.Do(Find("/mine")), Gives(3));
  owner.Must(Make("/ours", O_RDWR, 0606));
  EXPECT_THAT(member.Do(Find("/ours")), FailsWith(EACCES));
  EXPECT_THAT(other.Do(Find("/ours")), Gives(3));
}

CLAUSE(PosixMq, ModeOfNewQueueDoesNotDenyItsMaker, "mq_open(3)",
       "The maker of a queue has it open as asked, whatever the mode says") {
  RequiresOtherUsers();
  TaskHandle b = OtherUser(a);
  const Fd q = b.Must(Make("/q", O_RDWR, 0));
  EXPECT_THAT(b.Do(MqSend{.fd = q, .data = "x"}), Gives(0));
  EXPECT_THAT(b.Do(MqReceive{.fd = q}), Gives(1, "x"));
  EXPECT_THAT(b.Do(Find("/q", O_RDONLY)), FailsWith(EACCES));
}

CLAUSE(PosixMq, PrivilegedOpensAll, "mq_open(3)", "CAP_DAC_OVERRIDE passes every mode") {
  RequiresOtherUsers();
  Requires(dialect().cap_dac_override, "user 0 of this run lacks CAP_DAC_OVERRIDE");
  TaskHandle b = OtherUser(a);
  b.Must(Make("/q", O_RDWR, 0));
  EXPECT_THAT(a.Do(Find("/q")), Gives(3));
}

CLAUSE(PosixMq, NoFreeDescriptor, "mq_open(3)",
       "With no descriptor free mq_open fails with EMFILE, and makes no queue") {
  a.Must(LimitDescriptors{.count = 4});
  a.Must(Make("/q"));
  EXPECT_THAT(a.Do(Make("/r")), FailsWith(EMFILE));
  EXPECT_THAT(a.Do(Find("/q")), FailsWith(EMFILE));
  a.Must(Close{.fd = 3});
  EXPECT_THAT(a.Do(Find("/r")), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Find("/q")), Gives(3));
}
PROVOKES(PosixMq, NoFreeDescriptor, "mq_open.3", "mq_open", "EMFILE", "fd limit");

CLAUSE(PosixMq, QueuesMax, "mq_overview(7)",
       "Who lacks CAP_SYS_RESOURCE makes no more than queues_max queues: else ENOSPC") {
  RequiresOtherUsers();
  const int64_t max = dialect().Get(Limit::kMqQueuesMax);
  Requires(max <= 300, "the limit of this machine is set high");
  TaskHandle b = OtherUser(a);
  const auto make = [](int64_t i) {
    return MqOpen{
        .name = "/q" + std::to_string(i), .flags = O_CREAT | O_RDWR, .maxmsg = 1, .msgsize = 1};
  };
  for (int64_t i = 0; i < max; ++i) {
    const Fd q = b.Must(make(i));
    b.Must(Close{.fd = q});
  }
  EXPECT_THAT(b.Do(make(max)), FailsWith(ENOSPC));
  EXPECT_THAT(b.Do(make(0)), Gives(3));
  b.Must(MqUnlink{.name = "/q1"});
  EXPECT_THAT(b.Do(make(max)), Gives(4));
}
PROVOKES(PosixMq, QueuesMax, "mq_open.3", "mq_open", "ENOSPC", "queues_max reached");

CLAUSE(PosixMq, BytesLimit, "getrlimit(2)",
       "The queues of a user may take RLIMIT_MSGQUEUE bytes, messages and overhead: else EMFILE") {
  a.Must(LimitQueueBytes{.bytes = 8000});
  EXPECT_THAT(a.Do(Sized(10, 800)), FailsWith(EMFILE));
  EXPECT_THAT(a.Do(Find("/q")), FailsWith(ENOENT));
  a.Must(Sized(2, 2000));
  EXPECT_THAT(a.Do(Make("/r")), Gives(4));
  EXPECT_THAT(a.Do(MqOpen{.name = "/s", .flags = O_CREAT | O_RDWR, .maxmsg = 2, .msgsize = 2000}),
              FailsWith(EMFILE));
}

CLAUSE(PosixMq, BytesAreOverheadToo, "getrlimit(2)",
       "Many tiny messages count for more than their bytes") {
  RequiresOtherUsers();
  TaskHandle b = OtherUser(a);
  b.Must(LimitQueueBytes{.bytes = 60});
  EXPECT_THAT(b.Do(Sized(10, 1)), FailsWith(EMFILE));
}

CLAUSE(PosixMq, BytesAreGivenBack, "getrlimit(2)",
       "A queue counts against RLIMIT_MSGQUEUE until it is gone: unlinked, and closed by all") {
  a.Must(LimitQueueBytes{.bytes = 8000});
  const Fd q = a.Must(Sized(2, 3000));
  a.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(a.Do(Sized(2, 3000)), FailsWith(EMFILE));
  a.Must(Close{.fd = q});
  EXPECT_THAT(a.Do(Sized(2, 3000)), Gives(q.value));
}

CLAUSE(PosixMq, BytesAreCountedByUser, "getrlimit(2)",
       "What other users' queues take does not count; all processes of a user count together") {
  RequiresOtherUsers();
  TaskHandle b = OtherUser(a), c = OtherUser(a), other = OtherUser(a, 1001, 1001);
  for (TaskHandle* task : {&b, &c, &other}) task->Must(LimitQueueBytes{.bytes = 8000});
  b.Must(Sized(2, 3000));
  const MqOpen second{.name = "/r", .flags = O_CREAT | O_RDWR, .maxmsg = 2, .msgsize = 3000};
  EXPECT_THAT(c.Do(second), FailsWith(EMFILE));
  EXPECT_THAT(other.Do(second), Gives(3));
}

CLAUSE(PosixMq, MessagesOutliveTheirSender, "mq_overview(7)",
       "A queue with its messages stays when nobody has it open") {
  TaskHandle b = a.Fork();
  const Fd q = b.Must(Make("/q"));
  b.Must(MqSend{.fd = q, .data = "stays", .priority = 7});
  b.Begin(Exit{});
  const Fd again = a.Must(Find("/q"));
  EXPECT_THAT(a.Do(MqReceive{.fd = again}), Gives(5, "stays"));
}

CLAUSE(PosixMq, UnlinkedQueueLivesOn, "mq_unlink(3)",
       "An unlinked queue has no name any more, and works for those who have it open") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();
  a.Must(MqSend{.fd = q, .data = "x"});
  a.Must(MqUnlink{.name = "/q"});
  EXPECT_THAT(a.Do(Find("/q")), FailsWith(ENOENT));
  EXPECT_THAT(b.Do(MqReceive{.fd = q}), Gives(1, "x"));
  EXPECT_THAT(b.Do(MqSend{.fd = q, .data = "y"}), Gives(0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "y"));
  EXPECT_THAT(a.Do(MqUnlink{.name = "/q"}), FailsWith(ENOENT));
}

CLAUSE(PosixMq, NameIsFreeAtOnce, "mq_unlink(3)",
       "A queue made under an unlinked name is another one") {
  const Fd old = a.Must(Make("/q"));
  a.Must(MqSend{.fd = old, .data = "old"});
  a.Must(MqUnlink{.name = "/q"});
  const Fd fresh = a.Must(Make("/q", O_EXCL | O_RDWR));
  EXPECT_THAT(a.Do(MqGetattr{.fd = fresh}), GivesValues({0, 2, 16, 0}));
  a.Must(MqSend{.fd = fresh, .data = "new"});
  EXPECT_THAT(a.Do(MqReceive{.fd = old}), Gives(3, "old"));
  EXPECT_THAT(a.Do(MqReceive{.fd = fresh}), Gives(3, "new"));
}

CLAUSE(PosixMq, UnlinkByOthers, "mq_unlink(3)",
       "Who neither owns the queue nor is privileged cannot unlink it, whatever its mode") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  TaskHandle b = OtherUser(a), c = OtherUser(a, 1001, 1001);
  b.Must(Make("/q", O_RDWR, 0666));
  EXPECT_THAT(c.Do(MqUnlink{.name = "/q"}), testing::AnyOf(FailsWith(EACCES), FailsWith(EPERM)));
  EXPECT_THAT(b.Do(MqUnlink{.name = "/q"}), Gives(0));
  b.Must(Make("/q", O_RDWR, 0600));
  EXPECT_THAT(a.Do(MqUnlink{.name = "/q"}), Gives(0));
}

CLAUSE(PosixMq, UnlinkTakesNoPermissionToUse, "mq_unlink(3)",
       "The owner unlinks a queue that its mode does not let it open") {
  RequiresOtherUsers();
  TaskHandle b = OtherUser(a);
  b.Must(Make("/q", O_RDWR, 0));
  EXPECT_THAT(b.Do(MqUnlink{.name = "/q"}), Gives(0));
  EXPECT_THAT(b.Do(Find("/q")), FailsWith(ENOENT));
}

CLAUSE(PosixMq, ClosedDescriptor, "mq_close(3)",
       "A closed descriptor is EBADF to every call; other descriptors of the queue are not") {
  const Fd q = a.Must(Make("/q")), other = a.Must(Find("/q"));
  a.Must(Close{.fd = q});
  EXPECT_THAT(a.Do(Close{.fd = q}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqSend{.fd = q, .data = "x"}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqSend{.fd = other, .data = "x"}), Gives(0));
}
PROVOKES(PosixMq, ClosedDescriptor, "mq_close.3", "mq_close", "EBADF", "bad descriptor");

CLAUSE(PosixMq, ExecCloses, "mq_close(3)", "execve closes the queue descriptors of the task") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();
  a.Must(MqUnlink{.name = "/q"});
  b.Must(Exec{});
  EXPECT_THAT(b.Do(MqGetattr{.fd = q}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(MqGetattr{.fd = q}), GivesValues({0, 2, 16, 0}));
}

CLAUSE(PosixMq, ExecKeepsWithoutCloseOnExec, "mq_overview(7)",
       "A queue descriptor whose close-on-exec flag was cleared lives through execve") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();
  b.Must(SetFdFlags{.fd = q, .flags = 0});
  b.Must(Exec{});
  EXPECT_THAT(b.Do(MqSend{.fd = q, .data = "x"}), Gives(0));
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(1, "x"));
}

CLAUSE(PosixMq, ForkInherits, "mq_overview(7)",
       "A forked child has the queues of its parent open, and closes them for itself alone") {
  const Fd q = a.Must(Make("/q"));
  TaskHandle b = a.Fork();
  a.Must(MqUnlink{.name = "/q"});
  a.Must(Close{.fd = q});
  EXPECT_THAT(b.Do(MqSend{.fd = q, .data = "x"}), Gives(0));
  EXPECT_THAT(b.Do(MqReceive{.fd = q}), Gives(1, "x"));
}

EXCUSED("mq_open.3", "mq_open", "ENFILE", "system file limit",
        "the limit is the whole machine's: reaching it would starve every other process");
EXCUSED("mq_open.3", "mq_open", "ENOMEM", "memory short",
        "the machine would have to run out of memory");
EXCUSED("mq_unlink.3", "mq_unlink", "EACCES", "no permission to unlink",
        "Linux gives EPERM, as unlink(2) does in a directory with the sticky bit: UnlinkByOthers");

}  // namespace
}  // namespace ipcspec
