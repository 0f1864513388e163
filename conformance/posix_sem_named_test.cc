// Clauses of POSIX semaphores that have names: sem_open(3), sem_close(3), sem_unlink(3),
// sem_overview(7).
#include <csignal>
#include <string>

#include "conformance/clause.h"
#include "conformance/posix_sem_helpers.h"

namespace ipcspec {
namespace {

PsemOpen Existing(std::string name) { return {.name = std::move(name)}; }

CLAUSE(PosixSem, OpenCreates, "sem_open(3)",
       "With O_CREAT sem_open makes a semaphore of this name and value") {
  const Address s = OpenSem(a, "/s", 3);
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({3}));
}

CLAUSE(PosixSem, OpenFindsByName, "sem_open(3)",
       "Tasks that open one name have one semaphore; the value and mode given again are ignored") {
  TaskHandle b = a.Fork();
  const Address here = OpenSem(a, "/s", 3), there = OpenSem(b, "/s", 8, 0);
  EXPECT_THAT(b.Do(PsemGetValue{.address = there}), GivesValues({3}));
  a.Must(PsemPost{.address = here});
  EXPECT_THAT(b.Do(PsemGetValue{.address = there}), GivesValues({4}));
  TaskHandle c = a.Fork();
  EXPECT_THAT(c.Do(PsemGetValue{.address = c.Must(Existing("/s"))}), GivesValues({4}));
}

CLAUSE(PosixSem, IgnoredValueMayBeAny, "sem_open(3)",
       "Where the semaphore is there already even a value that is too large is ignored") {
  OpenSem(a, "/s", 1);
  EXPECT_THAT(a.Do(PsemGetValue{.address = OpenSem(a, "/s", kSemValueMax + 1)}), GivesValues({1}));
}

CLAUSE(PosixSem, NamesAreApart, "sem_open(3)", "Another name is another semaphore") {
  const Address s = OpenSem(a, "/s", 0), t = OpenSem(a, "/t", 0);
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(a.Do(PsemGetValue{.address = t}), GivesValues({0}));
  EXPECT_THAT(a.Do(PsemTryWait{.address = t}), FailsWith(EAGAIN));
}

CLAUSE(PosixSem, NamedOnesWakeToo, "sem_overview(7)",
       "A task that waits on a named semaphore is woken by one that opened it by its name") {
  TaskHandle b = a.Fork();
  const Address here = OpenSem(a, "/s", 0), there = OpenSem(b, "/s", 0);
  const Pending wait = b.Begin(PsemWait{.address = there});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = here});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, NamedOnesTimeOut, "sem_wait(3)",
       "Waiting on a named semaphore can have a deadline") {
  const Address s = OpenSem(a, "/s", 0);
  const Pending wait = a.Begin(PsemWait{.address = s, .timeout = kShort});
  a.AwaitReturn();
  EXPECT_THAT(wait.Finish(), FailsWith(ETIMEDOUT));
}

CLAUSE(PosixSem, OneNameOneAddress, "sem_open(3), POSIX.1-2024",
       "A process that opens a name again while it has it open gets the same address") {
  const Address s = OpenSem(a, "/s", 0);
  EXPECT_THAT(a.Do(Existing("/s")), Gives(s.value));
  EXPECT_THAT(a.Do(PsemOpen{.name = "/s", .flags = O_CREAT, .value = 5}), Gives(s.value));
}

CLAUSE(PosixSem, ClosedAsOftenAsOpened, "sem_open(3), POSIX.1-2024",
       "A semaphore that was opened twice can be used until it was closed twice") {
  const Address s = OpenSem(a, "/s", 1);
  a.Must(Existing("/s"));
  EXPECT_THAT(a.Do(PsemClose{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(a.Do(PsemClose{.address = s}), Gives(0));
}

CLAUSE(
    PosixSem, CloseOfWhatIsNotOpen, "sem_close(3)",
    "sem_close fails with EINVAL for an address that sem_open did not give, or that was closed") {
  const Address unnamed = MakeSem(a, 0), s = OpenSem(a, "/s", 1);
  EXPECT_THAT(a.Do(PsemClose{.address = unnamed}), FailsWith(EINVAL));
  a.Must(PsemClose{.address = s});
  EXPECT_THAT(a.Do(PsemClose{.address = s}), FailsWith(EINVAL));
}
PROVOKES(PosixSem, CloseOfWhatIsNotOpen, "sem_close.3", "sem_close", "EINVAL", "not a semaphore");

CLAUSE(PosixSem, CloseIsOfOneTask, "sem_close(3)",
       "When a task closes a semaphore the others that have it open keep it") {
  const Address s = OpenSem(a, "/s", 0);
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = s});
  a.Must(PsemClose{.address = s});
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = a.Must(Existing("/s"))});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, ForkInherits, "sem_overview(7)",
       "A child has the named semaphores that its parent had open, where the parent had them") {
  const Address s = OpenSem(a, "/s", 0);
  TaskHandle b = a.Fork();
  b.Must(PsemPost{.address = s});
  EXPECT_THAT(a.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(Existing("/s")), Gives(s.value));
  b.Must(PsemClose{.address = s});
  EXPECT_THAT(b.Do(PsemClose{.address = s}), Gives(0));
}

CLAUSE(PosixSem, ExecCloses, "sem_close(3)",
       "After exec no semaphore is open any more, but the name and the value are there") {
  const Address s = OpenSem(a, "/s", 4);
  TaskHandle b = a.Fork();
  b.Must(PsemWait{.address = s});
  b.Must(Exec{});
  EXPECT_THAT(b.Do(PsemClose{.address = s}), FailsWith(EINVAL));
  EXPECT_THAT(b.Do(PsemGetValue{.address = b.Must(Existing("/s"))}), GivesValues({3}));
}

CLAUSE(
    PosixSem, NamesOutliveTheirTasks, "sem_overview(7)",
    "The semaphore and its value stay when every task that had it open has closed it or exited") {
  TaskHandle b = a.Fork();
  const Address there = OpenSem(b, "/s", 0);
  b.Must(PsemPost{.address = there});
  b.Must(PsemPost{.address = there});
  b.Begin(Exit{});
  const Address here = a.Must(Existing("/s"));
  EXPECT_THAT(a.Do(PsemGetValue{.address = here}), GivesValues({2}));
  a.Must(PsemWait{.address = here});
  a.Must(PsemClose{.address = here});
  EXPECT_THAT(a.Do(PsemGetValue{.address = a.Must(Existing("/s"))}), GivesValues({1}));
}

CLAUSE(PosixSem, UnlinkRemovesTheName, "sem_unlink(3)",
       "sem_unlink takes the name away at once; who has the semaphore open goes on using it") {
  const Address s = OpenSem(a, "/s", 0);
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = s});
  EXPECT_THAT(a.Do(PsemUnlink{.name = "/s"}), Gives(0));
  EXPECT_THAT(a.Do(Existing("/s")), FailsWith(ENOENT));
  EXPECT_THAT(wait, IsAsleep());
  a.Must(PsemPost{.address = s});
  EXPECT_THAT(wait.Finish(), Gives(0));
}

CLAUSE(PosixSem, UnlinkedNameIsFree, "sem_unlink(3)",
       "After sem_unlink the name can be given to a new semaphore, which is not the old one") {
  const Address before = OpenSem(a, "/s", 0);
  TaskHandle b = a.Fork();
  const Pending wait = b.Begin(PsemWait{.address = before});
  a.Must(PsemUnlink{.name = "/s"});
  const Address after = OpenSem(a, "/s", 1);
  EXPECT_NE(before.value, after.value);
  a.Must(PsemPost{.address = after});
  EXPECT_THAT(wait, IsAsleep());
  EXPECT_THAT(a.Do(PsemGetValue{.address = before}), GivesValues({0}));
  EXPECT_THAT(a.Do(PsemGetValue{.address = after}), GivesValues({2}));
}

CLAUSE(PosixSem, ExclusiveCreation, "sem_open(3)",
       "With O_CREAT and O_EXCL a name that there is fails with EEXIST, and a new one is made") {
  const PsemOpen exclusive{.name = "/s", .flags = O_CREAT | O_EXCL, .value = 1};
  const Address s = a.Must(exclusive);
  EXPECT_THAT(a.Do(exclusive), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({1}));
}
PROVOKES(PosixSem, ExclusiveCreation, "sem_open.3", "sem_open", "EEXIST",
         "O_CREAT|O_EXCL on existing name");

CLAUSE(PosixSem, NoSuchName, "sem_open(3)",
       "Without O_CREAT a name that there is not fails with ENOENT, as it does for sem_unlink") {
  EXPECT_THAT(a.Do(Existing("/s")), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(PsemUnlink{.name = "/s"}), FailsWith(ENOENT));
}
PROVOKES(PosixSem, NoSuchName, "sem_open.3", "sem_open", "ENOENT",
         "absent without O_CREAT, or malformed name");
PROVOKES(PosixSem, NoSuchName, "sem_unlink.3", "sem_unlink", "ENOENT", "no such semaphore");

CLAUSE(PosixSem, CreateAboveTheLargestValue, "sem_open(3)",
       "A new semaphore may have the largest value; above, sem_open fails with EINVAL") {
  const PsemOpen above{.name = "/s", .flags = O_CREAT, .value = kSemValueMax + 1};
  EXPECT_THAT(a.Do(above), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Existing("/s")), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(PsemPost{.address = OpenSem(a, "/s", kSemValueMax)}), FailsWith(EOVERFLOW));
}
PROVOKES(PosixSem, CreateAboveTheLargestValue, "sem_open.3", "sem_open", "EINVAL",
         "initial value above SEM_VALUE_MAX");

CLAUSE(PosixSem, SlashIsNoName, "sem_open(3)", "A name of nothing but a slash fails with EINVAL") {
  EXPECT_THAT(a.Do(PsemOpen{.name = "/", .flags = O_CREAT}), FailsWith(EINVAL));
}
PROVOKES(PosixSem, SlashIsNoName, "sem_open.3", "sem_open", "EINVAL", "name is just a slash");

CLAUSE(PosixSem, NamesHaveNoParts, "sem_open(3)",
       "A name with a second slash inside is malformed: EINVAL or ENOENT, and nothing is made") {
  const auto malformed = testing::AnyOf(FailsWith(EINVAL), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(PsemOpen{.name = "/a/b", .flags = O_CREAT}), malformed);
  EXPECT_THAT(a.Do(PsemUnlink{.name = "/a/b"}), malformed);
}

CLAUSE(PosixSem, LongNames, "sem_overview(7)",
       "A name may have 251 characters after the slash; more fail with ENAMETOOLONG") {
  const std::string longest = "/" + std::string(251, 'n'), longer = longest + "n";
  EXPECT_THAT(a.Do(PsemGetValue{.address = OpenSem(a, longest, 6)}), GivesValues({6}));
  EXPECT_THAT(a.Do(PsemOpen{.name = longer, .flags = O_CREAT}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Existing(longer)), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(PsemUnlink{.name = longer}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(PsemUnlink{.name = longest}), Gives(0));
}
PROVOKES(PosixSem, LongNames, "sem_open.3", "sem_open", "ENAMETOOLONG", "name too long");
PROVOKES(PosixSem, LongNames, "sem_unlink.3", "sem_unlink", "ENAMETOOLONG", "name too long");

// A child that is another user, without privilege.
TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

CLAUSE(PosixSem, ModeKeepsOthersOut, "sem_open(3)",
       "Who may not both read and write the semaphore fails with EACCES when it opens the name") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  OpenSem(a, "/none", 1, 0600), OpenSem(a, "/read", 1, 0604), OpenSem(a, "/write", 1, 0602);
  TaskHandle b = ForkAs(a, 1000, 1000);
  for (const char* name : {"/none", "/read", "/write"}) {
    EXPECT_THAT(b.Do(Existing(name)), FailsWith(EACCES));
    EXPECT_THAT(b.Do(PsemOpen{.name = name, .flags = O_CREAT}), FailsWith(EACCES));
  }
}
PROVOKES(PosixSem, ModeKeepsOthersOut, "sem_open.3", "sem_open", "EACCES",
         "semaphore exists, mode denies");

CLAUSE(PosixSem, ModeLetsOthersIn, "sem_open(3)",
       "Whom the mode grants reading and writing, by user, group or as another, opens the name") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  TaskHandle owner = ForkAs(a, 1000, 1000), group = ForkAs(a, 1001, 1000);
  OpenSem(owner, "/group", 1, 0660), OpenSem(owner, "/own", 1, 0600), OpenSem(a, "/all", 1, 0666);
  EXPECT_THAT(group.Do(PsemWait{.address = group.Must(Existing("/group"))}), Gives(0));
  EXPECT_THAT(group.Do(Existing("/own")), FailsWith(EACCES));
  EXPECT_THAT(group.Do(PsemWait{.address = group.Must(Existing("/all"))}), Gives(0));
  TaskHandle again = ForkAs(a, 1000, 1000);
  EXPECT_THAT(again.Do(PsemWait{.address = again.Must(Existing("/own"))}), Gives(0));
}

CLAUSE(PosixSem, UmaskTakesFromTheMode, "sem_open(3)",
       "The mode of a new semaphore lacks what the umask of its maker takes away") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 022});
  OpenSem(a, "/s", 1, 0666);
  a.Must(Umask{.mask = 0});
  OpenSem(a, "/t", 1, 0666);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(Existing("/s")), FailsWith(EACCES));
  EXPECT_THAT(b.Do(PsemPost{.address = b.Must(Existing("/t"))}), Gives(0));
}

CLAUSE(
    PosixSem, ModeIsForLaterOpens, "sem_open(3)",
    "Who makes a semaphore can use it whatever its mode, and cannot open it again without right") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, 1000, 1000);
  const Address s = OpenSem(b, "/s", 0, 0);
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(Existing("/s")), FailsWith(EACCES));
}

CLAUSE(PosixSem, OpenOnesNeedNoRight, "sem_open(3)",
       "Permission is asked for when a semaphore is opened: who has it open may change its user") {
  RequiresOtherUsers();
  const Address s = OpenSem(a, "/s", 1);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(PsemWait{.address = s}), Gives(0));
  EXPECT_THAT(b.Do(PsemPost{.address = s}), Gives(0));
}

CLAUSE(PosixSem, OthersMayNotUnlink, "sem_unlink(3)",
       "Another user may not remove the name, even of a semaphore that it may use: EACCES") {
  RequiresOtherUsers();
  a.Must(Umask{.mask = 0});
  OpenSem(a, "/s", 1, 0666);
  TaskHandle b = ForkAs(a, 1000, 1000);
  EXPECT_THAT(b.Do(PsemUnlink{.name = "/s"}), FailsWith(EACCES));
  EXPECT_THAT(b.Do(PsemWait{.address = b.Must(Existing("/s"))}), Gives(0));
  OpenSem(b, "/t", 1);
  EXPECT_THAT(b.Do(PsemUnlink{.name = "/t"}), Gives(0));
}
PROVOKES(PosixSem, OthersMayNotUnlink, "sem_unlink.3", "sem_unlink", "EACCES", "no permission");

CLAUSE(PosixSem, OpenNeedsADescriptor, "sem_open(3)",
       "When the task has no descriptor left sem_open fails with EMFILE, and makes nothing") {
  a.Must(LimitDescriptors{.count = 3});
  EXPECT_THAT(a.Do(PsemOpen{.name = "/s", .flags = O_CREAT, .value = 1}), FailsWith(EMFILE));
  a.Must(LimitDescriptors{.count = 64});
  EXPECT_THAT(a.Do(Existing("/s")), FailsWith(ENOENT));
}
PROVOKES(PosixSem, OpenNeedsADescriptor, "sem_open.3", "sem_open", "EMFILE", "fd limit");

CLAUSE(
    PosixSem, KilledTasksLeaveNames, "sem_overview(7)",
    "A task that is killed while it waits on a named semaphore leaves name and value as they are") {
  TaskHandle b = a.Fork();
  const Address there = OpenSem(b, "/s", 0);
  b.Begin(PsemWait{.address = there});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  const Address here = a.Must(Existing("/s"));
  a.Must(PsemPost{.address = here});
  EXPECT_THAT(a.Do(PsemGetValue{.address = here}), GivesValues({1}));
}

EXCUSED("sem_open.3", "sem_open", "ENFILE", "system file limit",
        "the limit is the whole machine's, and reaching it would starve everything else on it");
EXCUSED("sem_open.3", "sem_open", "ENOMEM", "memory short",
        "memory cannot be made to run short for one call alone");

CLAUSE(PosixSem, SpellingsOfOneName, "sem_open(3)",
       "A name with one more slash, where it is taken at all, is the same semaphore") {
  const Address s = OpenSem(a, "/s", 1);
  const Outcome other = a.Do(PsemOpen{.name = "//s", .flags = 0});
  EXPECT_THAT(other, testing::AnyOf(testing::Field("error", &Outcome::error, 0), FailsWith(EINVAL),
                                    FailsWith(ENOENT)));
  if (!other.ok()) return;
  a.Must(PsemPost{.address = other.ret});
  EXPECT_THAT(a.Do(PsemGetValue{.address = s}), GivesValues({2}));
}

}  // namespace
}  // namespace ipcspec
