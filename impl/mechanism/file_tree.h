// FileTree: the names that a program makes in its own directory, as far as FIFOs need them:
// directories, FIFOs, symbolic links, plain files: path_resolution(7), inode(7), mkfifo(3).
//
// An inode has type, mode and owner; directories give inodes names. An inode lives as long as it
// has a name or is open. Paths are relative, to the program's directory (kRoot) or to an open one.
// Objects of POSIX shared memory, and named semaphores, are files in a directory that no path leads
// to (kShared; shm_overview(7), sem_overview(7)).
//
// It knows nothing of descriptors: who opens an inode holds it (Hold, Release). Data is no concern
// of it either: a FIFO's pipe and a file's contents belong to the world; the number is kept here.
#ifndef IPCSPEC_IMPL_MECHANISM_FILE_TREE_H_
#define IPCSPEC_IMPL_MECHANISM_FILE_TREE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "impl/mechanism/cow.h"
#include "impl/mechanism/step.h"

namespace ipcspec {

struct Inode {
  int64_t mode = 0;  // with the type, S_IF*
  int64_t uid = 0;
  int64_t gid = 0;
  int64_t links = 1;
  int held = 0;                      // open file descriptions, and openers that wait
  int pipe = -1;                     // of a FIFO that is held
  int contents = -1;                 // of a file: the memory object, once somebody had it open
  std::string target;                // of a symbolic link
  std::map<std::string, int> names;  // of a directory
  int parent = 0;                    // of a directory
  int file_system = 0;
  std::map<int64_t, int64_t> keys;  // ftok(3): low 8 bits of the id -> key that was seen

  bool operator==(const Inode&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Inode& i) {
    return H::combine(std::move(h), i.mode, i.uid, i.gid, i.links, i.held, i.pipe, i.contents,
                      i.target, i.names, i.file_system, i.keys);
  }
};

struct FileSystem {  // a tmpfs that the program mounted
  bool read_only = false;
  int64_t inodes = 0;  // how many it may hold, 0: no limit
  bool operator==(const FileSystem&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const FileSystem& f) {
    return H::combine(std::move(h), f.read_only, f.inodes);
  }
};

// Whose rights count, and how.
struct Permit {
  Credentials creds;
  bool override_all = false;  // CAP_DAC_OVERRIDE
};

class FileTree {
 public:
  static constexpr int kRoot = 0;
  static constexpr int kShared = 1;  // with S_ISVTX, for everybody

  FileTree();

  // Where a path leads.
  struct Place {
    Errors errors;              // any of these, when there are some
    int directory = -1;         // that holds the last name; -1: the path does not lead so far
    std::string name;           // the last name
    int inode = -1;             // what it names; -1: nothing
    bool slash = false;         // the path ends in one: it asks for a directory
    bool through_link = false;  // the last name was a link, followed only for that slash
  };
  // `follow`: through a symbolic link that the whole path names.
  // Errors: EACCES, ELOOP, ENAMETOOLONG, ENOENT (a directory is missing), ENOTDIR.
  Place Find(int from, std::string_view path, bool follow, const Permit& permit) const;

  const Inode* Get(int inode) const { return inodes_.Find(inode); }
  bool IsReadOnly(int inode) const { return file_systems_.at(Get(inode)->file_system).read_only; }
  // Whether reading (4), writing (2), searching (1) is granted: the class of the user decides.
  bool Grants(int inode, int64_t wanted, const Permit& permit) const;

  // Makes what a Place does not name yet. `mode` with type, umask applied. EACCES, EEXIST, ENOSPC,
  // EROFS, ENOENT or ENOTDIR for a slash behind; none: `*made` is the inode.
  Errors Make(const Place& place, int64_t mode, const Permit& permit, int* made);
  // A target must not be empty (ENOENT) or too long (ENAMETOOLONG).
  Errors MakeLink(const Place& place, std::string target, const Permit& permit);
  // EISDIR or EPERM too, of a directory; EPERM or EACCES, with S_ISVTX, of what others own.
  Errors Unlink(const Place& place, const Permit& permit);
  // ENOTDIR, EISDIR, ENOTEMPTY or EEXIST, EXDEV, EINVAL (into itself), EBUSY (a mount) too.
  Errors Rename(const Place& from, const Place& to, const Permit& permit);
  Errors Chmod(int inode, int64_t mode, const Permit& permit);              // EPERM, EROFS
  Errors Chown(int inode, int64_t uid, int64_t gid, const Permit& permit);  // EPERM, EROFS
  // A fresh file system in place of a directory, and making it read-only.
  void Mount(const Place& place, int64_t inodes);
  // EINVAL: no such file system begins there. EBUSY where something there is open: only writing
  // stands against it, but how much of that counts for FIFOs and removed names is not said.
  Errors RemountReadOnly(int inode, Choice& choice);

  // st_mode, st_uid, st_gid, st_nlink. The links of directories are not promised.
  Result Stat(int inode) const;

  // Somebody has the inode open, or no more.
  void Hold(int inode) { ++inodes_.Mutable(inode).held; }
  void Release(int inode);
  void SetPipe(int inode, int pipe) { inodes_.Mutable(inode).pipe = pipe; }
  void SetContents(int inode, int object) { inodes_.Mutable(inode).contents = object; }

  // ftok(3): the same file and low 8 bits of the id give the same key; with other bits another.
  Result Ftok(int inode, int64_t id, Choice& choice);

  bool operator==(const FileTree&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const FileTree& f) {
    return H::combine(std::move(h), f.inodes_, f.file_systems_);
  }

 private:
  Errors MayChange(int directory, const Permit& permit) const;
  Errors MayRemove(const Place& place, const Permit& permit) const;
  bool IsMount(const Place& place) const;
  bool IsWithin(int inode, int directory) const;
  int Add(Inode inode, const Place& place);
  void RemoveName(int directory, const std::string& name);
  void MayForget(int inode);

  Numbered<Inode> inodes_;
  std::map<int, FileSystem> file_systems_;
  int next_ = 2;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_FILE_TREE_H_
