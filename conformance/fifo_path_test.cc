// Clauses of FIFOs: where a path leads, and what becomes of directories that are renamed:
// path_resolution(7), open(2), rename(2), unlink(2).
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <csignal>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

constexpr int64_t kFifo = S_IFIFO | 0600;

CLAUSE(Fifo, EmptyPath, "path_resolution(7)", "An empty path names nothing: ENOENT") {
  EXPECT_THAT(a.Do(Open{.path = "", .flags = O_RDWR}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Mkfifo{.path = ""}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Stat{.path = ""}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Unlink{.path = ""}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Rename{.from = "", .to = "g"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, SlashesAreOne, "path_resolution(7)",
       "Several slashes between two names count as one, and a dot is the directory itself") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "d/e"});
  a.Must(Mkfifo{.path = "d///f"});
  a.Must(Mkfifo{.path = "./d/./e//g", .mode = 0600});
  EXPECT_THAT(a.Do(Open{.path = "d/e/../f", .flags = O_RDWR}), Gives(3));
  EXPECT_THAT(a.Do(Stat{.path = "d/e/../../d/e/g"}), GivesValues({kFifo, 0, 0, 1}));
}

CLAUSE(Fifo, PathIsTooLong, "path_resolution(7)",
       "A path of PATH_MAX bytes is ENAMETOOLONG, whatever it names") {
  a.Must(Mkfifo{.path = "f"});
  std::string path = "f";
  while (path.size() < PATH_MAX - 2) path = "./" + path;
  EXPECT_THAT(a.Do(Open{.path = path, .flags = O_RDWR}), Gives(3));
  path = "./" + path;
  EXPECT_THAT(a.Do(Open{.path = path, .flags = O_RDWR}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Mkfifo{.path = path}), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(a.Do(Symlink{.target = path, .path = "l"}), FailsWith(ENAMETOOLONG));
}

CLAUSE(Fifo, SlashBehindAFifo, "path_resolution(7)",
       "A slash behind a name asks for a directory, and a FIFO is none") {
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Open{.path = "f/", .flags = O_RDWR}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Stat{.path = "f/"}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Unlink{.path = "f/"}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "g/"}), FailsWith(ENOTDIR));
  EXPECT_NE(a.Do(Mkfifo{.path = "f/"}).error, 0);
  EXPECT_NE(a.Do(Open{.path = "f/", .flags = O_RDWR | O_CREAT, .mode = 0600}).error, 0);
}

CLAUSE(Fifo, SlashBehindANewName, "mknod(2)",
       "With a slash behind its name a directory can be made, and nothing else") {
  EXPECT_NE(a.Do(Mkfifo{.path = "f/"}).error, 0);
  EXPECT_NE(a.Do(Symlink{.target = "f", .path = "l/"}).error, 0);
  EXPECT_NE(a.Do(Open{.path = "n/", .flags = O_RDWR | O_CREAT, .mode = 0600}).error, 0);
  EXPECT_THAT(a.Do(Mkdir{.path = "d/"}), Gives(0));
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/f"}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Stat{.path = "n"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, SlashBehindALink, "path_resolution(7)",
       "A link with a slash behind is not removed, replaced or made anew") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Symlink{.target = "d", .path = "l"});
  a.Must(Symlink{.target = "no/where", .path = "m"});
  a.Must(Symlink{.target = "m", .path = "n"});
  a.Must(Symlink{.target = "nowhere", .path = "k"});
  for (const char* path : {"k/", "l/", "m/", "n/"}) {
    EXPECT_NE(a.Do(Unlink{.path = path}).error, 0);
    EXPECT_NE(a.Do(Mkfifo{.path = path}).error, 0);
    EXPECT_NE(a.Do(Mkdir{.path = path}).error, 0);
    EXPECT_NE(a.Do(Rename{.from = path, .to = "x"}).error, 0);
    EXPECT_NE(a.Do(Rename{.from = "d", .to = path}).error, 0);
  }
  EXPECT_THAT(a.Do(Mkfifo{.path = "l/f"}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "d/f"}), GivesValues({S_IFIFO | 0644, 0, 0, 1}));
}

CLAUSE(Fifo, LinkNeedsATarget, "symlink(2)", "A link to an empty path cannot be made: ENOENT") {
  EXPECT_THAT(a.Do(Symlink{.target = "", .path = "l"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Symlink{.target = "f", .path = "no/l"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Stat{.path = "l"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, ExclusiveCreationFollowsNoLink, "open(2)",
       "O_CREAT with O_EXCL fails on a link, wherever it leads") {
  a.Must(Symlink{.target = "f", .path = "l"});
  EXPECT_THAT(a.Do(Open{.path = "l", .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600}),
              FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Open{.path = "l", .flags = O_RDWR | O_CREAT, .mode = 0600}), Gives(3));
  EXPECT_THAT(a.Do(Stat{.path = "f"}), GivesValues({S_IFREG | 0600, 0, 0, 1}));
}

CLAUSE(Fifo, MissingNames, "chown(2)",
       "Owner, mode and new name can be given only to what is there") {
  EXPECT_THAT(a.Do(Chown{.path = "f", .uid = -1, .gid = -1}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Chown{.path = "no/f", .uid = -1, .gid = -1}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Chmod{.path = "no/f", .mode = 0600}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Unlink{.path = "no/f"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "g"}), FailsWith(ENOENT));
  a.Must(Mkfifo{.path = "f"});
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "no/g"}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Rename{.from = "f/g", .to = "g"}), FailsWith(ENOTDIR));
}

CLAUSE(Fifo, RenameReplaces, "rename(2)",
       "rename takes the place of what had the name: of a FIFO, and of an empty directory") {
  a.Must(Mkfifo{.path = "f", .mode = 0600});
  a.Must(Mkfifo{.path = "g"});
  a.Must(Mkdir{.path = "d", .mode = 0700});
  a.Must(Mkdir{.path = "e"});
  a.Must(Mkfifo{.path = "d/h"});
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "g"}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "g"}), GivesValues({kFifo, 0, 0, 1}));
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "e"}), Gives(0));
  EXPECT_THAT(a.Do(Open{.path = "e/h", .flags = O_RDWR}), Gives(3));
  EXPECT_THAT(a.Do(Stat{.path = "d"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, RenameOfTheSameName, "rename(2)", "What is renamed to its own name stays as it was") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Mkdir{.path = "d"});
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "f"}), Gives(0));
  EXPECT_THAT(a.Do(Rename{.from = "d/", .to = "d"}), Gives(0));
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/f"}), Gives(0));
}

CLAUSE(Fifo, RenameKeepsTheKind, "rename(2)",
       "A directory takes no other kind's place, nor another kind a directory's") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Mkdir{.path = "d"});
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "f"}), FailsWith(ENOTDIR));
  EXPECT_THAT(a.Do(Rename{.from = "f", .to = "d"}), FailsWith(EISDIR));
}

CLAUSE(Fifo, RenameSparesWhatIsInADirectory, "rename(2)",
       "A directory that holds a name is not replaced") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "e"});
  a.Must(Mkfifo{.path = "e/f"});
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "e"}),
              testing::AnyOf(FailsWith(ENOTEMPTY), FailsWith(EEXIST)));
  EXPECT_NE(a.Do(Rename{.from = "e/f", .to = "e"}).error, 0);
  EXPECT_THAT(a.Do(Stat{.path = "e/f"}), GivesValues({S_IFIFO | 0644, 0, 0, 1}));
}

CLAUSE(Fifo, RenameIntoItself, "rename(2)", "A directory cannot become a part of itself: EINVAL") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "d/e"});
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "d/f"}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "d/e/f"}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Rename{.from = "d/e", .to = "e"}), Gives(0));
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "e/d"}), Gives(0));
}

CLAUSE(Fifo, RenameOfDots, "rename(2)", "The names . and .. can be neither given nor taken away") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "d/e"});
  for (const char* path : {"d/.", "d/e/..", "."}) {
    EXPECT_THAT(a.Do(Rename{.from = path, .to = "x"}),
                testing::AnyOf(FailsWith(EBUSY), FailsWith(EINVAL)));
    EXPECT_NE(a.Do(Rename{.from = "d/e", .to = path}).error, 0);
    EXPECT_NE(a.Do(Unlink{.path = path}).error, 0);
    EXPECT_THAT(a.Do(Mkfifo{.path = path}), FailsWith(EEXIST));
  }
}

CLAUSE(Fifo, MovedDirectoryHasAnotherParent, "rename(2)",
       "In a directory that was moved, .. is the directory that it came to") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "e"});
  a.Must(Mkfifo{.path = "e/f", .mode = 0600});
  EXPECT_THAT(a.Do(Rename{.from = "d", .to = "e/d"}), Gives(0));
  EXPECT_THAT(a.Do(Stat{.path = "e/d/../f"}), GivesValues({kFifo, 0, 0, 1}));
}

CLAUSE(Fifo, ReplacedDirectoryTakesNoNames, "unlink(2)",
       "In a directory that is gone, though still open, no name can be made") {
  a.Must(Mkdir{.path = "d"});
  a.Must(Mkdir{.path = "e"});
  const Fd d = a.Must(Open{.path = "d", .flags = O_RDONLY | O_DIRECTORY});
  a.Must(Mkfifo{.path = "f", .dirfd = d});
  a.Must(Unlink{.path = "d/f"});
  a.Must(Rename{.from = "e", .to = "d"});
  EXPECT_THAT(a.Do(Mkfifo{.path = "f", .dirfd = d}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_RDWR, .dirfd = d}), FailsWith(ENOENT));
  EXPECT_THAT(a.Do(Mkfifo{.path = "d/f"}), Gives(0));
}

CLAUSE(Fifo, DirectoriesAreNotUnlinked, "unlink(2)", "unlink removes no directory") {
  a.Must(Mkdir{.path = "d"});
  EXPECT_THAT(a.Do(Unlink{.path = "d"}), testing::AnyOf(FailsWith(EISDIR), FailsWith(EPERM)));
  EXPECT_EQ(a.Do(Stat{.path = "d"}).values.at(0), S_IFDIR | 0755);
}

CLAUSE(Fifo, DirectoriesAreOpenedForReadingAlone, "open(2)",
       "A directory can be opened for reading, not be written or made by open, and not be read") {
  a.Must(Mkdir{.path = "d"});
  EXPECT_THAT(a.Do(Open{.path = "d", .flags = O_RDWR}), FailsWith(EISDIR));
  EXPECT_THAT(a.Do(Open{.path = "d", .flags = O_RDONLY | O_CREAT, .mode = 0700}),
              FailsWith(EISDIR));
  const Fd d = a.Must(Open{.path = "d", .flags = O_RDONLY});
  EXPECT_THAT(a.Do(Read{.fd = d, .count = 1}), FailsWith(EISDIR));
}

CLAUSE(Fifo, NoDirectoryIsMadeByOpen, "open(2)",
       "O_CREAT with O_DIRECTORY is refused with EINVAL, since Linux 6.4") {
  Requires(dialect().Since(6, 4), "Linux before 6.4 makes a file");
  EXPECT_THAT(a.Do(Open{.path = "d", .flags = O_RDWR | O_CREAT | O_DIRECTORY, .mode = 0700}),
              FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Stat{.path = "d"}), FailsWith(ENOENT));
}

CLAUSE(Fifo, TruncationSparesAFifo, "open(2)", "O_TRUNC takes nothing from a FIFO") {
  a.Must(Mkfifo{.path = "f"});
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR});
  a.Must(Write{.fd = f, .data = "data"});
  const Fd g = a.Must(Open{.path = "f", .flags = O_RDWR | O_TRUNC});
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 9}), Gives(4, "data"));
}

CLAUSE(Fifo, DirectForAFifo, "open(2)",
       "A FIFO opened with O_DIRECT is refused with EINVAL, or writes packets") {
  a.Must(Mkfifo{.path = "f"});
  const Outcome opened = a.Do(Open{.path = "f", .flags = O_RDWR | O_DIRECT});
  if (!opened.ok()) {
    EXPECT_THAT(opened, FailsWith(EINVAL));
    return;
  }
  a.Must(Write{.fd = opened.ret, .data = "one"});
  a.Must(Write{.fd = opened.ret, .data = "two"});
  EXPECT_THAT(a.Do(Read{.fd = opened.ret, .count = 9}), Gives(3, "one"));
}

CLAUSE(Fifo, FourthAccessMode, "open(2)",
       "The access mode that is none of the three cannot open a FIFO, nor can what it opens be "
       "read or written") {
  a.Must(Mkfifo{.path = "f"});
  a.Must(Mknod{.path = "r", .mode = S_IFREG | 0600});
  EXPECT_THAT(a.Do(Open{.path = "f", .flags = O_ACCMODE}), FailsWith(EINVAL));
  const Outcome opened = a.Do(Open{.path = "r", .flags = O_ACCMODE});
  if (!opened.ok()) return;
  EXPECT_THAT(a.Do(Read{.fd = opened.ret, .count = 1}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Write{.fd = opened.ret, .data = "x"}), FailsWith(EBADF));
}

CLAUSE(Fifo, MknodMakesFiles, "mknod(2)",
       "mknod makes a regular file, also where no type is given") {
  EXPECT_THAT(a.Do(Mknod{.path = "f", .mode = S_IFREG | 0640}), Gives(0));
  EXPECT_THAT(a.Do(Mknod{.path = "g", .mode = 0640}), Gives(0));
  for (const char* path : {"f", "g"}) {
    EXPECT_THAT(a.Do(Stat{.path = path}), GivesValues({S_IFREG | 0640, 0, 0, 1}));
  }
}

CLAUSE(Fifo, NonblockingWriterMeetsAWaitingReader, "fifo(7)",
       "Where a reader waits in open, a writer that does not wait frees it, or fails with ENXIO") {
  a.Must(Mkfifo{.path = "f"});
  TaskHandle b = a.Fork();
  const Pending reader = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(reader, IsAsleep());
  const Outcome writer = a.Do(Open{.path = "f", .flags = O_WRONLY | O_NONBLOCK});
  EXPECT_THAT(writer, testing::AnyOf(Gives(3), FailsWith(ENXIO)));
  if (writer.ok()) {
    EXPECT_THAT(reader.Finish(), Gives(3));
  }
}

CLAUSE(Fifo, RestartedOpenLooksAgain, "signal(7)",
       "An open that SA_RESTART restarts follows its path anew: to another FIFO, or to nothing") {
  for (const char* path : {"f", "g"}) a.Must(Mkfifo{.path = path});
  TaskHandle b = a.Fork(), c = a.Fork();
  for (TaskHandle* task : {&b, &c}) {
    task->Must(Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandleRestart});
  }
  const Pending of_f = b.Begin(Open{.path = "f", .flags = O_RDONLY});
  const Pending of_g = c.Begin(Open{.path = "g", .flags = O_RDONLY});
  a.Must(Rename{.from = "f", .to = "g"});
  for (const TaskHandle* task : {&b, &c}) {
    a.Must(Kill{.target = task->task(), .signal = SIGUSR1});
  }
  EXPECT_THAT(of_f.Finish(), FailsWith(ENOENT));
  EXPECT_THAT(of_g, IsAsleep());
  EXPECT_THAT(a.Do(Open{.path = "g", .flags = O_WRONLY}), Gives(3));
  EXPECT_THAT(of_g.Finish(), Gives(3));
}

CLAUSE(Fifo, AnyIdOfFtok, "ftok(3)",
       "Of ids for ftok only the low 8 bits count; one without such bits gives no certain key") {
  a.Must(Mkfifo{.path = "f"});
  const Outcome key = a.Do(Ftok{.path = "f", .id = 1});
  EXPECT_THAT(a.Do(Ftok{.path = "f", .id = 0x101}), Gives(key.ret));
  EXPECT_EQ(a.Do(Ftok{.path = "f", .id = 0}).error, 0);
  EXPECT_EQ(a.Do(Ftok{.path = "f", .id = 0x100}).error, 0);
}

}  // namespace
}  // namespace ipcspec
