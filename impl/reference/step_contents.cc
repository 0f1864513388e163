// What regular files hold: read(2), write(2), lseek(2), ftruncate(2), and objects of POSIX shared
// memory, which are files in a directory of their own: shm_overview(7).
#include "impl/reference/machine.h"

namespace ipcspec {

int ContentsOf(World& world, int inode) {
  int contents = world.files->Get(inode)->contents;
  if (contents < 0) {
    contents = world.memory.Mutable().Add({.holders = 1});
    world.files.Mutable().SetContents(inode, contents);
  }
  return contents;
}

void DropContents(World& world, int inode, int contents) {
  if (contents >= 0 && world.files->Get(inode) == nullptr) ReleaseObject(world, contents);
}

}  // namespace ipcspec
