// The tree of names: where paths lead, who may change what, how long inodes live.
#include "impl/mechanism/file_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>
#include <string>
#include <string_view>

#include "absl/hash/hash.h"

namespace ipcspec {
namespace {

using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

using Set = std::set<int>;

constexpr Permit kAdmin{.override_all = true};
constexpr Permit kAlice{.creds = {.uid = 1000, .gid = 1000}};
constexpr Permit kBob{.creds = {.uid = 1001, .gid = 1001}};
constexpr Permit kAliceOfBobs{.creds = {.uid = 1000, .gid = 1001}};

Set Of(const Errors& errors) { return {errors.list().begin(), errors.list().end()}; }

class FileTreeReference : public ::testing::Test {
 protected:
  FileTree::Place Find(std::string_view path, bool follow = true, const Permit& who = kAdmin,
                       int from = FileTree::kRoot) {
    return t.Find(from, path, follow, who);
  }
  // The errors of finding the place, or else of what `change` does there.
  template <class F>
  Set At(std::string_view path, const Permit& who, F change) {
    const FileTree::Place place = Find(path, false, who);
    return place.errors.any() ? Of(place.errors) : Of(change(place));
  }
  Set Make(std::string_view path, int64_t mode, const Permit& who = kAdmin) {
    return At(path, who, [&](const FileTree::Place& p) { return t.Make(p, mode, who, &made); });
  }
  Set Fifo(std::string_view path, const Permit& who = kAdmin) {
    return Make(path, S_IFIFO | 0644, who);
  }
  Set Dir(std::string_view path, int64_t mode = 0777, const Permit& who = kAdmin) {
    return Make(path, S_IFDIR | mode, who);
  }
  Set Link(std::string target, std::string_view path, const Permit& who = kAdmin) {
    return At(path, who, [&](const FileTree::Place& p) { return t.MakeLink(p, target, who); });
  }
  Set Unlink(std::string_view path, const Permit& who = kAdmin) {
    return At(path, who, [&](const FileTree::Place& p) { return t.Unlink(p, who); });
  }
  Set Rename(std::string_view from, std::string_view to, const Permit& who = kAdmin) {
    return At(from, who, [&](const FileTree::Place& p) {
      const FileTree::Place q = Find(to, false, who);
      return q.errors.any() ? q.errors : t.Rename(p, q, who);
    });
  }
  int InodeOf(std::string_view path) {
    const FileTree::Place place = Find(path);
    return place.errors.any() ? -1 : place.inode;
  }
  void Mount(std::string_view path, int64_t inodes = 0) { t.Mount(Find(path), inodes); }
  Set ReadOnly(std::string_view path, int saw = 0) {
    const Outcome seen = saw == 0 ? Returns(0) : Fails(saw);
    Choice choice(&seen);
    return Of(t.RemountReadOnly(InodeOf(path), choice));
  }

  FileTree t;
  int made = -1;
};

// --- paths ---

TEST_F(FileTreeReference, APathLeadsThroughDirectories) {
  EXPECT_THAT(Dir("d"), IsEmpty());
  EXPECT_THAT(Fifo("d/f"), IsEmpty());
  EXPECT_EQ(InodeOf("d/f"), made);
  EXPECT_EQ(InodeOf("./d//./f"), made);
  EXPECT_EQ(InodeOf("d/../d/f"), made);
  EXPECT_EQ(t.Find(InodeOf("d"), "f", true, kAdmin).inode, made);
  EXPECT_EQ(t.Find(InodeOf("d"), "..", true, kAdmin).inode, FileTree::kRoot);
  EXPECT_EQ(InodeOf("d/none"), -1);
  EXPECT_THAT(Of(Find("none/f").errors), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Of(Find("").errors), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Of(Find("d/f/x").errors), UnorderedElementsAre(ENOTDIR));
  EXPECT_THAT(Of(Find("d/f/").errors), UnorderedElementsAre(ENOTDIR));
  EXPECT_THAT(Of(t.Find(made, "x", true, kAdmin).errors), UnorderedElementsAre(ENOTDIR));
}

TEST_F(FileTreeReference, NamesAndPathsHaveALength) {
  EXPECT_THAT(Fifo(std::string(255, 'a')), IsEmpty());
  EXPECT_THAT(Fifo(std::string(256, 'a')), UnorderedElementsAre(ENAMETOOLONG));
  EXPECT_FALSE(Find("." + std::string(4094, '/')).errors.any());
  EXPECT_THAT(Of(Find("." + std::string(4095, '/')).errors), UnorderedElementsAre(ENAMETOOLONG));
}

TEST_F(FileTreeReference, LinksAreFollowedExceptTheLastWhereNotAsked) {
  Dir("d"), Fifo("d/f"), Link("d", "l");
  const int fifo = InodeOf("d/f");
  EXPECT_EQ(InodeOf("l/f"), fifo);
  EXPECT_NE(Find("l", false).inode, InodeOf("d"));
  EXPECT_EQ(Find("l/", false).inode, InodeOf("d")) << "the slash asks for the directory";
  EXPECT_EQ(Find("l/f", false).inode, fifo);
  Link("l/f", "d/up");
  EXPECT_THAT(Of(Find("d/up").errors), UnorderedElementsAre(ENOENT)) << "relative to its directory";
  Link("/", "slash"), Link("nowhere", "dangling");
  EXPECT_EQ(InodeOf("dangling"), -1);
  EXPECT_THAT(Of(Find("dangling/x").errors), UnorderedElementsAre(ENOENT));
  EXPECT_FALSE(Find("slash").errors.any());
}

TEST_F(FileTreeReference, FortyLinksAreFollowedAndNoMore) {
  Fifo("f");
  std::string before = "f";
  for (int i = 1; i <= 41; ++i) {
    const std::string name = "s" + std::to_string(i);
    Link(before, name);
    before = name;
  }
  EXPECT_EQ(InodeOf("s40"), InodeOf("f"));
  EXPECT_THAT(Of(Find("s41").errors), UnorderedElementsAre(ELOOP));
  Link("loop", "loop");
  EXPECT_THAT(Of(Find("loop").errors), UnorderedElementsAre(ELOOP));
  EXPECT_FALSE(Find("loop", false).errors.any());
}

TEST_F(FileTreeReference, EveryDirectoryOnTheWayMustBeSearchable) {
  Dir("d", 0700, kAlice), Fifo("d/f", kAlice);
  EXPECT_FALSE(Find("d/f", true, kAlice).errors.any());
  EXPECT_THAT(Of(Find("d/f", true, kBob).errors), UnorderedElementsAre(EACCES));
  EXPECT_FALSE(Find("d", true, kBob).errors.any());
  EXPECT_FALSE(Find("d/f", true, kAdmin).errors.any());
  EXPECT_THAT(Of(t.Find(InodeOf("d"), "f", true, kBob).errors), UnorderedElementsAre(EACCES));
}

TEST_F(FileTreeReference, TheFirstClassThatFitsDecides) {
  Make("f", S_IFIFO | 0462, kAlice);
  EXPECT_TRUE(t.Grants(made, 4, kAlice));
  EXPECT_FALSE(t.Grants(made, 2, kAlice)) << "the owner has less than others";
  Make("g", S_IFIFO | 0406, kBob);
  EXPECT_FALSE(t.Grants(made, 4, kAliceOfBobs)) << "the group has nothing";
  EXPECT_TRUE(t.Grants(made, 6, kAlice));
  EXPECT_TRUE(t.Grants(made, 6, kAdmin));
  EXPECT_FALSE(t.Grants(made, 6, kBob));
}

// --- making ---

TEST_F(FileTreeReference, ANewNodeBelongsToItsMaker) {
  EXPECT_THAT(Make("f", S_IFIFO | 0640, kAlice), IsEmpty());
  const Outcome stat = t.Stat(made).outcome;
  EXPECT_THAT(stat.values, testing::ElementsAre(S_IFIFO | 0640, 1000, 1000, 1));
  EXPECT_THAT(Fifo("f", kBob), UnorderedElementsAre(EEXIST));
  EXPECT_THAT(Dir("."), UnorderedElementsAre(EEXIST));
  Link("none", "l");
  EXPECT_THAT(Fifo("l"), UnorderedElementsAre(EEXIST)) << "a link is not followed";
}

TEST_F(FileTreeReference, ADirectoryMayHandItsGroupDown) {
  Dir("d", 02777, kBob);
  EXPECT_THAT(Fifo("d/f", kAlice), IsEmpty());
  EXPECT_EQ(t.Get(made)->gid, 1001);
  EXPECT_THAT(Dir("d/e", 0777, kAlice), IsEmpty());
  EXPECT_EQ(t.Get(made)->gid, 1001);
  EXPECT_EQ(t.Get(made)->mode, S_IFDIR | 02777);
}

TEST_F(FileTreeReference, OnlyADirectoryCanBeNamedWithASlashBehind) {
  EXPECT_THAT(Fifo("new/"), IsSupersetOf({ENOENT, ENOTDIR}));
  EXPECT_EQ(InodeOf("new"), -1);
  EXPECT_THAT(Link("x", "new/"), IsSupersetOf({ENOENT, ENOTDIR}));
  EXPECT_THAT(Dir("new/"), IsEmpty());
  Fifo("f"), Link("none", "l");
  EXPECT_THAT(Fifo("f/"), UnorderedElementsAre(EEXIST, ENOTDIR));
  EXPECT_THAT(Dir("l/"), IsSupersetOf({EEXIST}));
  EXPECT_EQ(InodeOf("none"), -1) << "nothing is made through the link";
}

TEST_F(FileTreeReference, MakingNeedsWritingAndSearching) {
  Dir("d", 0755, kAlice), Fifo("d/f", kAlice);
  EXPECT_THAT(Fifo("d/g", kBob), UnorderedElementsAre(EACCES));
  EXPECT_THAT(Fifo("d/f", kBob), UnorderedElementsAre(EACCES, EEXIST));
  EXPECT_THAT(Link("x", "d/g", kBob), UnorderedElementsAre(EACCES));
  EXPECT_THAT(Fifo("d/g", kAlice), IsEmpty());
}

TEST_F(FileTreeReference, ALinkHasATarget) {
  EXPECT_THAT(Link("", "l"), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Link(std::string(4096, 'a'), "l"), UnorderedElementsAre(ENAMETOOLONG));
  EXPECT_THAT(Link(std::string(4095, 'a'), "l"), IsEmpty());
}

// --- unlink(2), rename(2) ---

TEST_F(FileTreeReference, UnlinkTakesANameAway) {
  Fifo("f"), Dir("d"), Link("d", "l");
  EXPECT_THAT(Unlink("none"), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Unlink("d"), UnorderedElementsAre(EISDIR, EPERM));
  EXPECT_THAT(Unlink("."), UnorderedElementsAre(EISDIR, EPERM));
  EXPECT_THAT(Unlink("l/"), IsSupersetOf({ENOTDIR}));
  EXPECT_THAT(Unlink("l"), IsEmpty());
  EXPECT_GE(InodeOf("d"), 0);
  const int inode = InodeOf("f");
  EXPECT_THAT(Unlink("f"), IsEmpty());
  EXPECT_EQ(InodeOf("f"), -1);
  EXPECT_EQ(t.Get(inode), nullptr);
}

TEST_F(FileTreeReference, AStickyDirectoryKeepsWhatOthersOwn) {
  Dir("d", 01777);
  Fifo("d/f", kAlice), Fifo("d/g", kBob);
  EXPECT_THAT(Unlink("d/f", kBob), UnorderedElementsAre(EPERM, EACCES));
  EXPECT_THAT(Rename("d/f", "d/h", kBob), UnorderedElementsAre(EPERM, EACCES));
  EXPECT_THAT(Rename("d/g", "d/f", kBob), UnorderedElementsAre(EPERM, EACCES));
  EXPECT_THAT(Unlink("d/g", kBob), IsEmpty());
  EXPECT_THAT(Unlink("d/f", kAdmin), IsEmpty());
}

TEST_F(FileTreeReference, NoPathLeadsToSharedObjects) {
  const FileTree::Place place = t.Find(FileTree::kShared, "x", false, kAlice);
  EXPECT_THAT(Of(t.Make(place, S_IFREG | 0600, kAlice, &made)), IsEmpty());
  EXPECT_EQ(InodeOf("x"), -1);
  EXPECT_EQ(InodeOf("../x"), -1);
  const FileTree::Place again = t.Find(FileTree::kShared, "x", false, kBob);
  EXPECT_EQ(again.inode, made);
  EXPECT_THAT(Of(t.Unlink(again, kBob)), UnorderedElementsAre(EPERM, EACCES));
}

TEST_F(FileTreeReference, AnInodeLivesWhileItIsHeld) {
  Fifo("f");
  const int inode = made;
  t.Hold(inode), t.Hold(inode);
  t.SetPipe(inode, 7);
  Unlink("f");
  ASSERT_NE(t.Get(inode), nullptr);
  EXPECT_EQ(t.Stat(inode).outcome.values[3], 0) << "no name is left";
  EXPECT_EQ(t.Get(inode)->pipe, 7);
  Fifo("f");
  EXPECT_NE(made, inode);
  t.Release(inode);
  ASSERT_NE(t.Get(inode), nullptr);
  t.Release(inode);
  EXPECT_EQ(t.Get(inode), nullptr);
}

TEST_F(FileTreeReference, RenameMovesAndReplaces) {
  Dir("d"), Fifo("f");
  const int f = made;
  Fifo("g");
  const int g = made;
  EXPECT_THAT(Rename("f", "d/h"), IsEmpty());
  EXPECT_EQ(InodeOf("f"), -1);
  EXPECT_EQ(InodeOf("d/h"), f);
  EXPECT_THAT(Rename("d/h", "g"), IsEmpty());
  EXPECT_EQ(InodeOf("g"), f);
  EXPECT_EQ(t.Get(g), nullptr);
  EXPECT_THAT(Rename("g", "g"), IsEmpty());
  EXPECT_THAT(Rename("none", "x"), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Rename("g", "none/x"), UnorderedElementsAre(ENOENT));
  EXPECT_THAT(Rename("g", "x/"), UnorderedElementsAre(ENOTDIR));
}

TEST_F(FileTreeReference, RenameKeepsTheTreeATree) {
  Dir("d"), Dir("d/e"), Dir("x"), Fifo("f");
  EXPECT_THAT(Rename("d", "d/e/y"), UnorderedElementsAre(EINVAL));
  EXPECT_THAT(Rename("d", "d/y"), UnorderedElementsAre(EINVAL));
  EXPECT_THAT(Rename("d", "f"), UnorderedElementsAre(ENOTDIR));
  EXPECT_THAT(Rename("f", "x"), UnorderedElementsAre(EISDIR));
  EXPECT_THAT(Rename("x", "d"), UnorderedElementsAre(ENOTEMPTY, EEXIST));
  EXPECT_THAT(Rename("x", "."), IsSupersetOf({EBUSY}));
  EXPECT_THAT(Rename("d/.", "y"), IsSupersetOf({EBUSY}));
  EXPECT_THAT(Rename("d/e", "x"), IsEmpty());
  EXPECT_EQ(InodeOf("x/.."), FileTree::kRoot);
  EXPECT_THAT(Rename("x", "x/"), IsEmpty());
}

TEST_F(FileTreeReference, RenameNeedsRightsOnBothSides) {
  Dir("a", 0755, kAlice), Dir("b", 0777, kAlice), Fifo("a/f", kAlice), Fifo("b/f", kAlice);
  EXPECT_THAT(Rename("a/f", "b/g", kBob), UnorderedElementsAre(EACCES));
  EXPECT_THAT(Rename("b/f", "a/g", kBob), UnorderedElementsAre(EACCES));
  EXPECT_THAT(Rename("b/f", "b/g", kBob), IsEmpty());
  // Its ".." would change.
  EXPECT_THAT(Rename("a", "b/a", kBob), UnorderedElementsAre(EACCES));
  EXPECT_THAT(Rename("a", "c", kBob), IsEmpty());
}

TEST_F(FileTreeReference, InADirectoryWithoutANameNothingIsMade) {
  Dir("d"), Dir("x");
  const int d = InodeOf("d");
  t.Hold(d);
  ASSERT_THAT(Rename("x", "d"), IsEmpty());
  const FileTree::Place place = t.Find(d, "f", false, kAdmin);
  EXPECT_THAT(Of(t.Make(place, S_IFIFO | 0600, kAdmin, &made)), UnorderedElementsAre(ENOENT));
}

// --- owners ---

TEST_F(FileTreeReference, OnlyTheOwnerChangesTheMode) {
  Fifo("f", kAlice);
  EXPECT_THAT(Of(t.Chmod(made, 0600, kBob)), UnorderedElementsAre(EPERM));
  EXPECT_THAT(Of(t.Chmod(made, 02600, kAlice)), IsEmpty());
  EXPECT_EQ(t.Get(made)->mode, S_IFIFO | 02600);
  EXPECT_THAT(Of(t.Chmod(made, 02600, kAliceOfBobs)), IsEmpty());
  EXPECT_EQ(t.Get(made)->mode, S_IFIFO | 0600) << "no group of the caller's";
  EXPECT_THAT(Of(t.Chmod(made, 0, kAdmin)), IsEmpty());
}

TEST_F(FileTreeReference, OnlyRootGivesAway) {
  Fifo("f", kAlice);
  EXPECT_THAT(Of(t.Chown(made, 1001, -1, kAlice)), UnorderedElementsAre(EPERM));
  EXPECT_THAT(Of(t.Chown(made, -1, 1001, kAlice)), UnorderedElementsAre(EPERM));
  EXPECT_THAT(Of(t.Chown(made, -1, -1, kBob)), UnorderedElementsAre(EPERM));
  EXPECT_THAT(Of(t.Chown(made, 1000, -1, kAlice)), IsEmpty());
  EXPECT_THAT(Of(t.Chown(made, -1, 1001, kAliceOfBobs)), IsEmpty());
  EXPECT_EQ(t.Get(made)->gid, 1001);
  EXPECT_THAT(Of(t.Chown(made, 7, -1, kAdmin)), IsEmpty());
  EXPECT_EQ(t.Get(made)->uid, 7);
  EXPECT_EQ(t.Get(made)->gid, 1001);
}

// --- file systems ---

TEST_F(FileTreeReference, AFileSystemHoldsSoManyInodes) {
  Dir("m"), Mount("m", 3);
  EXPECT_THAT(Fifo("m/a"), IsEmpty());
  t.Hold(made);
  const int a = made;
  EXPECT_THAT(Fifo("m/b"), IsEmpty());
  EXPECT_THAT(Fifo("m/c"), UnorderedElementsAre(ENOSPC)) << "its root counts";
  EXPECT_THAT(Fifo("m/a"), UnorderedElementsAre(ENOSPC, EEXIST));
  EXPECT_THAT(Fifo("c"), IsEmpty());
  Unlink("m/a");
  EXPECT_THAT(Link("x", "m/c"), UnorderedElementsAre(ENOSPC)) << "it is still open";
  t.Release(a);
  EXPECT_THAT(Link("x", "m/c"), IsEmpty());
}

TEST_F(FileTreeReference, AMountStandsWhereItIs) {
  Dir("m"), Fifo("m/below"), Fifo("f"), Dir("d"), Mount("m");
  EXPECT_EQ(InodeOf("m/below"), -1);
  EXPECT_EQ(InodeOf("m/.."), FileTree::kRoot);
  EXPECT_THAT(Rename("f", "m/f"), UnorderedElementsAre(EXDEV));
  EXPECT_THAT(Rename("m", "n"), UnorderedElementsAre(EBUSY));
  EXPECT_THAT(Rename("d", "m"), UnorderedElementsAre(EBUSY));
  EXPECT_THAT(Unlink("m"), UnorderedElementsAre(EBUSY, EISDIR, EPERM));
}

TEST_F(FileTreeReference, AReadOnlyFileSystemDoesNotChange) {
  Dir("m"), Mount("m"), Fifo("m/f");
  const int inode = made;
  EXPECT_THAT(ReadOnly("."), UnorderedElementsAre(EINVAL));
  EXPECT_THAT(ReadOnly("m", EBUSY), IsEmpty()) << "nothing is open";
  EXPECT_THAT(Fifo("m/g"), UnorderedElementsAre(EROFS));
  EXPECT_THAT(Fifo("m/f"), UnorderedElementsAre(EROFS, EEXIST));
  EXPECT_THAT(Link("x", "m/g"), UnorderedElementsAre(EROFS));
  EXPECT_THAT(Unlink("m/f"), UnorderedElementsAre(EROFS));
  EXPECT_THAT(Unlink("m/none"), UnorderedElementsAre(EROFS, ENOENT));
  EXPECT_THAT(Rename("m/f", "m/g"), IsSupersetOf({EROFS}));
  EXPECT_THAT(Rename("m/none", "m/g"), IsSupersetOf({EROFS, ENOENT}));
  EXPECT_THAT(Of(t.Chmod(inode, 0, kAdmin)), UnorderedElementsAre(EROFS));
  EXPECT_THAT(Of(t.Chown(inode, 1, 1, kAdmin)), UnorderedElementsAre(EROFS));
  EXPECT_THAT(Fifo("g"), IsEmpty());
}

TEST_F(FileTreeReference, WhatIsOpenMayStandAgainstReadOnly) {
  Dir("m"), Mount("m"), Fifo("m/f");
  t.Hold(made);
  EXPECT_THAT(ReadOnly("m", EBUSY), UnorderedElementsAre(EBUSY));
  EXPECT_THAT(Fifo("m/g"), IsEmpty());
  EXPECT_THAT(ReadOnly("m"), IsEmpty());
}

// --- ftok(3) ---

class Ftok : public FileTreeReference {
 protected:
  bool Allows(int inode, int64_t id, int64_t key) {
    const Outcome seen = Returns(key);
    Choice choice(&seen);
    return t.Ftok(inode, id, choice).outcome == seen;
  }
};

TEST_F(Ftok, TheSameFileAndBitsGiveTheSameKey) {
  Fifo("f");
  const int f = made;
  EXPECT_TRUE(Allows(f, 1, 0x01020304));
  EXPECT_TRUE(Allows(f, 1, 0x01020304));
  EXPECT_FALSE(Allows(f, 1, 0x01020305));
  EXPECT_TRUE(Allows(f, 0x101, 0x01020304)) << "only eight bits count";
  EXPECT_FALSE(Allows(f, 2, 0x01020304)) << "other bits, other key";
  EXPECT_TRUE(Allows(f, 0x82, -0x7dfdfcfc));
  Rename("f", "g");
  EXPECT_TRUE(Allows(InodeOf("g"), 1, 0x01020304));
  Fifo("f");
  EXPECT_TRUE(Allows(made, 1, 0x01020305)) << "another file";
}

TEST_F(Ftok, WithoutBitsAnythingGoes) {
  Fifo("f");
  EXPECT_TRUE(Allows(made, 0x100, 5));
  EXPECT_TRUE(Allows(made, 0x100, 6));
}

TEST_F(FileTreeReference, EqualTreesHashEqual) {
  FileTree other;
  EXPECT_EQ(t, other);
  Fifo("f");
  EXPECT_NE(t, other);
  ASSERT_FALSE(other.Make(other.Find(0, "f", false, kAdmin), S_IFIFO | 0644, kAdmin, &made).any());
  EXPECT_EQ(t, other);
  EXPECT_EQ(absl::HashOf(t), absl::HashOf(other));
}

}  // namespace
}  // namespace ipcspec
