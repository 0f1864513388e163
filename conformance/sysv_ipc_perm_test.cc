// Clauses of what System V objects have in common: owner, creator, permissions, and the
// capabilities that pass them (sysvipc(7), capabilities(7)).
#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

constexpr int64_t kUser = 1000, kOther = 1001, kThird = 1002;
constexpr int64_t kGroup = 1000, kOtherGroup = 1001;

testing::Matcher<const Outcome&> SucceedsIf(bool allowed, int error) {
  return allowed ? Succeeds() : FailsWith(error);
}

// A child of user 0 without this capability; ends the clause where it cannot be given up.
TaskHandle ForkWithout(TaskHandle& a, Capability capability) {
  TaskHandle b = a.Fork();
  if (!b.Do(DropCapability{.capability = capability}).ok()) {
    throw ClauseEnds{ClauseEnds::kUnsupported, "this run cannot give up a capability"};
  }
  return b;
}

KIND_CLAUSE(MakerIsOwnerAndCreator, "sysvipc(7)",
            "Whoever makes an object is its owner and its creator, with its group") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, kUser, kOtherGroup);
  const int64_t id = b.Must(kind.Make(kPrivate, 0640));
  EXPECT_EQ(PermOf(b, kind, id, kPermUid), kUser);
  EXPECT_EQ(PermOf(b, kind, id, kPermCuid), kUser);
  EXPECT_EQ(PermOf(b, kind, id, kPermGid), kOtherGroup);
  EXPECT_EQ(PermOf(b, kind, id, kPermCgid), kOtherGroup);
  EXPECT_EQ(PermOf(b, kind, id, kPermMode) & 0777, 0640);
}

KIND_CLAUSE(UmaskTakesNothing, "sysvipc(7)",
            "The mode of a new object is as asked, whatever umask") {
  a.Must(Umask{.mask = 0777});
  const int64_t id = a.Must(kind.Make(kPrivate, 0753));
  EXPECT_EQ(PermOf(a, kind, id, kPermMode) & 0777, 0753);
}

KIND_CLAUSE(SetChangesOwnerGroupAndMode, "sysvipc(7)",
            "IPC_SET gives an object another owner, group and mode; creator and key stay") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, kUser, kGroup);
  const int64_t id = b.Must(kind.Make(kKey, 0666));
  EXPECT_THAT(b.Do(kind.Set(id, kOther, kOtherGroup, 0644)), Gives(0));
  EXPECT_EQ(PermOf(b, kind, id, kPermUid), kOther);
  EXPECT_EQ(PermOf(b, kind, id, kPermGid), kOtherGroup);
  EXPECT_EQ(PermOf(b, kind, id, kPermMode) & 0777, 0644);
  EXPECT_EQ(PermOf(b, kind, id, kPermCuid), kUser);
  EXPECT_EQ(PermOf(b, kind, id, kPermCgid), kGroup);
  EXPECT_EQ(PermOf(b, kind, id, kPermKey), kKey);
}

KIND_CLAUSE(SetTakesNineBits, "sysvipc(7)", "Of the mode IPC_SET takes the nine permission bits") {
  const int64_t id = a.Must(kind.Make(kPrivate, 0600));
  a.Must(kind.Set(id, 0, 0, 07642));
  EXPECT_EQ(PermOf(a, kind, id, kPermMode) & 0777, 0642);
}

KIND_CLAUSE(NobodyIsNoOwner, "user_namespaces(7)",
            "-1 is no user and no group: an object cannot be given to it, EINVAL") {
  const int64_t id = a.Must(kind.Make(kPrivate, 0640));
  EXPECT_THAT(a.Do(kind.Set(id, -1, 0, 0600)), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(kind.Set(id, 0, -1, 0600)), FailsWith(EINVAL));
  EXPECT_EQ(PermOf(a, kind, id, kPermUid), 0);
  EXPECT_EQ(PermOf(a, kind, id, kPermMode) & 0777, 0640);
}

KIND_CLAUSE(OwnerAndCreatorControl, "sysvipc(7)",
            "Both its owner and its creator may change and remove an object, whatever its mode") {
  RequiresOtherUsers();
  TaskHandle creator = ForkAs(a, kUser, kGroup), owner = ForkAs(a, kOther, kOtherGroup);
  for (TaskHandle* remover : {&creator, &owner}) {
    const int64_t id = creator.Must(kind.Make(kKey, 0));
    EXPECT_THAT(creator.Do(kind.Set(id, kOther, kOtherGroup, 0)), Gives(0));
    EXPECT_THAT(owner.Do(kind.Set(id, kOther, kOtherGroup, 0)), Gives(0));
    EXPECT_THAT(remover->Do(kind.Remove(id)), Gives(0));
  }
}

KIND_CLAUSE(OthersDoNotControl, "sysvipc(7)",
            "Who is neither owner nor creator may not change or remove an object, though the mode "
            "gives everything: EPERM") {
  RequiresOtherUsers();
  TaskHandle b = ForkAs(a, kUser, kGroup), member = ForkAs(a, kOther, kGroup);
  const int64_t id = b.Must(kind.Make(kKey, 0777));
  EXPECT_THAT(member.Do(kind.Alter(id)), Succeeds());
  EXPECT_THAT(member.Do(kind.Set(id, kOther, kGroup, 0666)), FailsWith(EPERM));
  EXPECT_THAT(member.Do(kind.Remove(id)), FailsWith(EPERM));
  EXPECT_EQ(PermOf(b, kind, id, kPermUid), kUser);
}

KIND_CLAUSE(FormerOwnerIsNobody, "sysvipc(7)",
            "An owner that was not the creator has no more say once another owner was set") {
  RequiresOtherUsers();
  TaskHandle creator = ForkAs(a, kUser, kGroup), former = ForkAs(a, kOther, kOtherGroup);
  const int64_t id = creator.Must(kind.Make(kPrivate, 0600));
  creator.Must(kind.Set(id, kOther, kOtherGroup, 0600));
  EXPECT_THAT(former.Do(kind.Set(id, kThird, kOtherGroup, 0600)), Gives(0));
  EXPECT_THAT(former.Do(kind.Stat(id)), FailsWith(EACCES));
  EXPECT_THAT(former.Do(kind.Remove(id)), FailsWith(EPERM));
}

KIND_CLAUSE(PermissionsByClass, "sysvipc(7)",
            "Owner, group and others may each do what their three bits of the mode say") {
  RequiresOtherUsers();
  const int64_t id = a.Must(kind.Make(kPrivate, 0));
  TaskHandle owner = ForkAs(a, kUser, kThird), member = ForkAs(a, kOther, kGroup);
  TaskHandle other = ForkAs(a, kThird, kThird);
  for (const int64_t mode : {0000, 0400, 0600, 0660, 0666, 0044, 0606}) {
    a.Must(kind.Set(id, kUser, kGroup, mode));
    EXPECT_THAT(owner.Do(kind.Stat(id)), SucceedsIf((mode & 0400) != 0, EACCES)) << mode;
    EXPECT_THAT(member.Do(kind.Stat(id)), SucceedsIf((mode & 0040) != 0, EACCES)) << mode;
    EXPECT_THAT(other.Do(kind.Stat(id)), SucceedsIf((mode & 0004) != 0, EACCES)) << mode;
    const bool writes = (mode & 0060) == 0060;
    EXPECT_THAT(member.Do(kind.Alter(id)), SucceedsIf(writes, EACCES)) << mode;
  }
}

KIND_CLAUSE(CreatorCountsAsOwner, "sysvipc(7)",
            "The creator and its group have the bits of owner and group for ever") {
  RequiresOtherUsers();
  TaskHandle creator = ForkAs(a, kUser, kGroup), member = ForkAs(a, kOther, kGroup);
  const int64_t id = creator.Must(kind.Make(kPrivate, 0600));
  creator.Must(kind.Set(id, kThird, kOtherGroup, 0440));
  EXPECT_THAT(creator.Do(kind.Stat(id)), Succeeds());
  EXPECT_THAT(member.Do(kind.Stat(id)), Succeeds());
  creator.Must(kind.Set(id, kThird, kOtherGroup, 0400));
  EXPECT_THAT(member.Do(kind.Stat(id)), FailsWith(EACCES));
}

KIND_CLAUSE(SupplementaryGroupCounts, "sysvipc(7)",
            "A supplementary group of the caller counts like its own for the bits of the group") {
  RequiresOtherUsers();
  TaskHandle b = a.Fork();
  if (!b.Do(SetGroup{.gid = kOtherGroup}).ok()) {
    Requires(false, "this run cannot set supplementary groups");
  }
  b.Must(SetCredentials{.uid = kUser, .gid = kGroup});
  const int64_t id = a.Must(kind.Make(kPrivate, 0));
  a.Must(kind.Set(id, kThird, kOtherGroup, 0660));
  EXPECT_THAT(b.Do(kind.Stat(id)), Succeeds());
  EXPECT_THAT(b.Do(kind.Alter(id)), Succeeds());
  a.Must(kind.Set(id, kThird, kOtherGroup, 0606));  // a member of the group is no other
  EXPECT_THAT(b.Do(kind.Stat(id)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(kind.Remove(id)), FailsWith(EPERM));
}

KIND_CLAUSE(FindingAsksForPermission, "sysvipc(7)",
            "To find an object by its key with bits that the mode denies the caller is EACCES") {
  RequiresOtherUsers();
  const int64_t id = a.Must(kind.Make(kKey, 0604));
  TaskHandle b = ForkAs(a, kUser, kGroup);
  EXPECT_THAT(b.Do(kind.Get(kKey, 0)), Gives(id));
  EXPECT_THAT(b.Do(kind.Get(kKey, 0004)), Gives(id));
  EXPECT_THAT(b.Do(kind.Get(kKey, 0006)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(kind.Get(kKey, IPC_CREAT | 0666)), FailsWith(EACCES));
}

KIND_CLAUSE(FindingWithExecuteBits, "sysvipc(7)",
            "Execute bits mean nothing: to find an object with some that the mode lacks gives the "
            "object or, on Linux, EACCES, and with those that it has the object") {
  RequiresOtherUsers();
  const int64_t id = a.Must(kind.Make(kKey, 0605));
  TaskHandle b = ForkAs(a, kUser, kGroup);
  EXPECT_THAT(b.Do(kind.Get(kKey, 0005)), Gives(id));
  EXPECT_THAT(b.Do(kind.Get(kKey, 0050)), Gives(id));
  a.Must(kind.Set(id, 0, 0, 0604));
  EXPECT_THAT(b.Do(kind.Get(kKey, 0005)), testing::AnyOf(Gives(id), FailsWith(EACCES)));
}

KIND_CLAUSE(FindingForAnotherClass, "sysvipc(7)",
            "Bits that are asked for another class than the caller's count on Linux too: EACCES, "
            "or the object") {
  RequiresOtherUsers();
  const int64_t id = a.Must(kind.Make(kKey, 0664));
  TaskHandle b = ForkAs(a, kUser, kGroup);
  EXPECT_THAT(b.Do(kind.Get(kKey, 0664)), testing::AnyOf(Gives(id), FailsWith(EACCES)));
  EXPECT_THAT(b.Do(kind.Get(kKey, 0444)), Gives(id));
}

KIND_CLAUSE(IpcOwnerPassesPermissions, "capabilities(7)",
            "With CAP_IPC_OWNER no mode denies anything") {
  RequiresOtherUsers();
  Requires(dialect().cap_ipc_owner, "user 0 lacks CAP_IPC_OWNER here");
  const int64_t id = ForkAs(a, kUser, kGroup).Must(kind.Make(kPrivate, 0));
  EXPECT_THAT(a.Do(kind.Stat(id)), Succeeds());
  EXPECT_THAT(a.Do(kind.Alter(id)), Succeeds());
}

KIND_CLAUSE(UserZeroWithoutIpcOwner, "capabilities(7)",
            "Without CAP_IPC_OWNER user 0 may do what the mode gives to others, and no more") {
  RequiresOtherUsers();
  TaskHandle b = ForkWithout(a, Capability::kIpcOwner), owner = ForkAs(a, kUser, kGroup);
  const int64_t closed = owner.Must(kind.Make(kPrivate, 0660));
  const int64_t readable = owner.Must(kind.Make(kPrivate, 0664));
  EXPECT_THAT(b.Do(kind.Stat(closed)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(kind.Alter(closed)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(kind.Stat(readable)), Succeeds());
  EXPECT_THAT(b.Do(kind.Alter(readable)), FailsWith(EACCES));
  const int64_t own = b.Must(kind.Make(kPrivate, 0400));
  EXPECT_THAT(b.Do(kind.Stat(own)), Succeeds());
  EXPECT_THAT(b.Do(kind.Alter(own)), FailsWith(EACCES));
}

KIND_CLAUSE(SysAdminControls, "capabilities(7)",
            "With CAP_SYS_ADMIN the objects of others can be changed and removed") {
  RequiresOtherUsers();
  Requires(dialect().cap_sys_admin, "user 0 lacks CAP_SYS_ADMIN here");
  const int64_t id = ForkAs(a, kUser, kGroup).Must(kind.Make(kPrivate, 0));
  EXPECT_THAT(a.Do(kind.Set(id, kOther, kGroup, 0600)), Gives(0));
  EXPECT_THAT(a.Do(kind.Remove(id)), Gives(0));
}

KIND_CLAUSE(UserZeroWithoutSysAdmin, "capabilities(7)",
            "Without CAP_SYS_ADMIN user 0 may not change or remove the objects of others: EPERM") {
  RequiresOtherUsers();
  TaskHandle b = ForkWithout(a, Capability::kSysAdmin);
  const int64_t id = ForkAs(a, kUser, kGroup).Must(kind.Make(kPrivate, 0666));
  EXPECT_THAT(b.Do(kind.Set(id, 0, 0, 0666)), FailsWith(EPERM));
  EXPECT_THAT(b.Do(kind.Remove(id)), FailsWith(EPERM));
  const int64_t own = b.Must(kind.Make(kPrivate, 0));
  EXPECT_THAT(b.Do(kind.Set(own, 0, 0, 0600)), Gives(0));
  EXPECT_THAT(b.Do(kind.Remove(own)), Gives(0));
}

KIND_CLAUSE(CapabilitiesAreApart, "capabilities(7)",
            "CAP_IPC_OWNER does not help to remove, nor CAP_SYS_ADMIN to read") {
  RequiresOtherUsers();
  Requires(dialect().cap_ipc_owner && dialect().cap_sys_admin, "user 0 lacks capabilities here");
  TaskHandle reads = ForkWithout(a, Capability::kSysAdmin);
  TaskHandle removes = ForkWithout(a, Capability::kIpcOwner);
  const int64_t id = ForkAs(a, kUser, kGroup).Must(kind.Make(kPrivate, 0));
  EXPECT_THAT(reads.Do(kind.Stat(id)), Succeeds());
  EXPECT_THAT(reads.Do(kind.Remove(id)), FailsWith(EPERM));
  EXPECT_THAT(removes.Do(kind.Stat(id)), FailsWith(EACCES));
  EXPECT_THAT(removes.Do(kind.Remove(id)), Gives(0));
}

KIND_CLAUSE(StatByIndexAsksForPermission, "capabilities(7)",
            "The *_STAT commands by index ask for permission to read, the *_STAT_ANY ones do not") {
  RequiresOtherUsers();
  Requires(dialect().kernel == Dialect::Kernel::kLinux, "only Linux tells its indices");
  TaskHandle b = ForkAs(a, kUser, kGroup);
  const int64_t id = a.Must(kind.Make(kPrivate, 0600));
  EXPECT_THAT(b.Do(kind.StatIndex(id, false)), FailsWith(EACCES));
  EXPECT_THAT(b.Do(kind.StatIndex(id, true)), Gives(id));
}

CLAUSE(SysvIpc, CapabilityIsGivenUpForGood, "capabilities(7)",
       "What a process gave up its children and the programs that it executes lack too") {
  RequiresOtherUsers();
  TaskHandle b = ForkWithout(a, Capability::kIpcOwner);
  const int64_t id = ForkAs(a, kUser, kGroup).MakeSemSet({0}, 0600).value;
  TaskHandle c = b.Fork();
  EXPECT_THAT(c.Do(SemStat{.id = id}), FailsWith(EACCES));
  c.Must(Exec{});
  EXPECT_THAT(c.Do(SemStat{.id = id}), FailsWith(EACCES));
}

}  // namespace
}  // namespace ipcspec
