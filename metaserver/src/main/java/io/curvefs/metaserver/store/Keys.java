package io.curvefs.metaserver.store;

import io.curvefs.proto.TransactionId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The key layout of every table, frozen by a golden test. A key is one table byte, then fixed-width
 * big-endian fields, then for named rows the name.
 */
public final class Keys {
  private static final byte APPLIED_INDEX = 0x01;
  private static final byte INODE = 0x10;
  private static final byte DENTRY = 0x20;
  private static final byte CHUNK = 0x30;
  private static final byte XATTR = 0x40;
  private static final byte PARTITION = 0x50;
  private static final byte RENAME_LOCK = 0x51;
  private static final byte GARBAGE = 0x60;
  private static final byte BITMAP = 0x61;
  private static final byte HELD_BLOCK_GROUP = 0x62;
  private static final byte RESERVATION = 0x63;
  private static final byte QUARANTINE = 0x64;
  private static final byte ORPHAN = 0x70;
  private static final byte SESSION = (byte) 0x80;
  private static final byte SLOT = (byte) 0x81;
  private static final byte EXPIRED_SESSION = (byte) 0x82;
  private static final byte PREPARED = (byte) 0x90;
  private static final byte LOCK = (byte) 0x91;
  private static final byte DECISION = (byte) 0x92;
  private static final byte CLUSTER = (byte) 0xA0;
  private static final byte SERVER = (byte) 0xA1;
  private static final byte GROUP = (byte) 0xA2;
  private static final byte FILE_SYSTEM = (byte) 0xA3;
  private static final byte LIVE_SESSION = (byte) 0xA4;
  private static final byte ENDED_SESSION = (byte) 0xA5;
  private static final byte CACHE_CLUSTER = (byte) 0xA6;
  private static final byte ASSIGNED_BLOCK_GROUP = (byte) 0xA7;
  private static final byte GROWN_BLOCK_GROUP = (byte) 0xA8;
  private static final byte VOLUME_ALLOTMENT = (byte) 0xA9;

  private static final int TRANSACTION_BYTES = 1 + 4 + 8 + 8;

  private Keys() {}

  public static byte[] appliedIndex() {
    return new byte[] {APPLIED_INDEX};
  }

  public static byte[] inode(int fileSystem, long inode) {
    return key(INODE, fileSystem, inode, 0).array();
  }

  /** Prefix of the inodes of a file system. */
  public static byte[] inodes(int fileSystem) {
    return table(INODE, fileSystem);
  }

  public static byte[] dentry(int fileSystem, long parent, byte[] name) {
    return key(DENTRY, fileSystem, parent, name.length).put(name).array();
  }

  /** Prefix of the dentries of a directory. */
  public static byte[] dentries(int fileSystem, long parent) {
    return key(DENTRY, fileSystem, parent, 0).array();
  }

  /** The name in a dentry's or xattr's key. */
  public static byte[] nameOf(byte[] key) {
    return Arrays.copyOfRange(key, 1 + 4 + 8, key.length);
  }

  public static byte[] chunk(int fileSystem, long inode, int index) {
    return key(CHUNK, fileSystem, inode, 4).putInt(index).array();
  }

  /** Prefix of the chunks of a file system. */
  public static byte[] chunks(int fileSystem) {
    return table(CHUNK, fileSystem);
  }

  /** Prefix of the chunks of a file. */
  public static byte[] chunks(int fileSystem, long inode) {
    return key(CHUNK, fileSystem, inode, 0).array();
  }

  public static int chunkIndexOf(byte[] chunkKey) {
    return ByteBuffer.wrap(chunkKey).getInt(1 + 4 + 8);
  }

  public static byte[] xattr(int fileSystem, long inode, byte[] name) {
    return key(XATTR, fileSystem, inode, name.length).put(name).array();
  }

  /** Prefix of the xattrs of an inode. */
  public static byte[] xattrs(int fileSystem, long inode) {
    return key(XATTR, fileSystem, inode, 0).array();
  }

  public static byte[] partition(int fileSystem, int partition) {
    return ByteBuffer.allocate(9).put(PARTITION).putInt(fileSystem).putInt(partition).array();
  }

  /** Prefix of all partitions that a group holds. */
  public static byte[] partitions() {
    return new byte[] {PARTITION};
  }

  /** Prefix of the partitions of one file system. */
  public static byte[] partitions(int fileSystem) {
    return table(PARTITION, fileSystem);
  }

  /** Prefixes of every table that holds rows of a file system's files, partitions aside. */
  public static List<byte[]> tablesOf(int fileSystem) {
    return List.of(
        table(DENTRY, fileSystem),
        table(XATTR, fileSystem),
        table(CHUNK, fileSystem),
        table(ORPHAN, fileSystem),
        table(GARBAGE, fileSystem),
        table(RESERVATION, fileSystem),
        table(QUARANTINE, fileSystem),
        table(BITMAP, fileSystem),
        table(HELD_BLOCK_GROUP, fileSystem),
        table(INODE, fileSystem));
  }

  /** Stands for no row: what a move of a directory locks, one for each file system. */
  public static byte[] renameLock(int fileSystem) {
    return table(RENAME_LOCK, fileSystem);
  }

  /**
   * Garbage of an inode.
   *
   * @param number tells several of one inode apart: the log index of the entry that made it, or
   *     that reserved the slice which it is
   */
  public static byte[] garbage(int fileSystem, long inode, long number) {
    return key(GARBAGE, fileSystem, inode, 8).putLong(number).array();
  }

  /** What tells several garbage rows of one inode apart. */
  public static long garbageNumberOf(byte[] garbageKey) {
    return ByteBuffer.wrap(garbageKey).getLong(1 + 4 + 8);
  }

  /** Prefix of the garbage of one inode. */
  public static byte[] garbageOf(int fileSystem, long inode) {
    return key(GARBAGE, fileSystem, inode, 0).array();
  }

  /** Prefix of all garbage that a group holds. */
  public static byte[] garbage() {
    return new byte[] {GARBAGE};
  }

  /** Prefix of the garbage of one file system. */
  public static byte[] garbage(int fileSystem) {
    return table(GARBAGE, fileSystem);
  }

  /**
   * A piece of the bitmap of a block group; absent when all of its bits are clear.
   *
   * @param address of the piece's first block
   */
  public static byte[] bitmapSegment(int fileSystem, long address) {
    return key(BITMAP, fileSystem, address, 0).array();
  }

  /** Prefix of the bitmaps of one file system. */
  public static byte[] bitmaps(int fileSystem) {
    return table(BITMAP, fileSystem);
  }

  public static byte[] heldBlockGroup(int fileSystem, long address) {
    return key(HELD_BLOCK_GROUP, fileSystem, address, 0).array();
  }

  /** Prefix of all block groups that a raft group holds. */
  public static byte[] heldBlockGroups() {
    return new byte[] {HELD_BLOCK_GROUP};
  }

  /** Prefix of the block groups of one file system. */
  public static byte[] heldBlockGroups(int fileSystem) {
    return table(HELD_BLOCK_GROUP, fileSystem);
  }

  public static byte[] reservation(int fileSystem, int session, long address) {
    return ByteBuffer.allocate(17)
        .put(RESERVATION)
        .putInt(fileSystem)
        .putInt(session)
        .putLong(address)
        .array();
  }

  /** Prefix of all reservations that a group knows. */
  public static byte[] reservations() {
    return new byte[] {RESERVATION};
  }

  /** Prefix of the reservations in one file system. */
  public static byte[] reservations(int fileSystem) {
    return table(RESERVATION, fileSystem);
  }

  /** Prefix of the reservations of one session in one file system. */
  public static byte[] reservations(int fileSystem, int session) {
    return ByteBuffer.allocate(9).put(RESERVATION).putInt(fileSystem).putInt(session).array();
  }

  public static int sessionOfReservation(byte[] reservationKey) {
    return ByteBuffer.wrap(reservationKey).getInt(1 + 4);
  }

  /**
   * Blocks that rest before they are used again.
   *
   * @param number log index of the entry that put them there
   */
  public static byte[] quarantine(int fileSystem, long number, long address) {
    return key(QUARANTINE, fileSystem, number, 8).putLong(address).array();
  }

  /** Prefix of the quarantine of one file system. */
  public static byte[] quarantine(int fileSystem) {
    return table(QUARANTINE, fileSystem);
  }

  /** The log index of the entry that put a row into quarantine. */
  public static long quarantineNumberOf(byte[] quarantineKey) {
    return ByteBuffer.wrap(quarantineKey).getLong(1 + 4);
  }

  /** The address in a key of any table of blocks. */
  public static long addressOf(byte[] key) {
    return ByteBuffer.wrap(key).getLong(key.length - 8);
  }

  public static byte[] orphan(int fileSystem, long inode) {
    return key(ORPHAN, fileSystem, inode, 0).array();
  }

  public static byte[] orphans() {
    return new byte[] {ORPHAN};
  }

  /** The file system in a key of any table that is kept by file system. */
  public static int fileSystemOf(byte[] key) {
    return ByteBuffer.wrap(key).getInt(1);
  }

  /** The inode in a key of any table that is kept by file system and inode. */
  public static long inodeOf(byte[] key) {
    return ByteBuffer.wrap(key).getLong(1 + 4);
  }

  public static byte[] session(int session) {
    return table(SESSION, session);
  }

  /** Prefix of the sessions that a group has admitted. */
  public static byte[] sessions() {
    return new byte[] {SESSION};
  }

  public static byte[] slot(int session, int slot) {
    return ByteBuffer.allocate(9).put(SLOT).putInt(session).putInt(slot).array();
  }

  /** Prefix of the slots of a session. */
  public static byte[] slots(int session) {
    return table(SLOT, session);
  }

  /** Says that a group has heard of the session's end: it is never admitted (again). */
  public static byte[] expiredSession(int session) {
    return table(EXPIRED_SESSION, session);
  }

  public static byte[] prepared(TransactionId id, int part) {
    return ByteBuffer.allocate(TRANSACTION_BYTES + 4).put(prepared(id)).putInt(part).array();
  }

  /** Prefix of the parts of a transaction. */
  public static byte[] prepared(TransactionId id) {
    return transaction(PREPARED, id);
  }

  public static byte[] prepared() {
    return new byte[] {PREPARED};
  }

  public static byte[] decision(TransactionId id) {
    return transaction(DECISION, id);
  }

  public static byte[] decisions() {
    return new byte[] {DECISION};
  }

  /** The lock on another row. */
  public static byte[] lock(byte[] lockedKey) {
    return ByteBuffer.allocate(1 + lockedKey.length).put(LOCK).put(lockedKey).array();
  }

  public static byte[] cluster() {
    return new byte[] {CLUSTER};
  }

  public static byte[] server(int server) {
    return table(SERVER, server);
  }

  public static byte[] servers() {
    return new byte[] {SERVER};
  }

  public static byte[] group(int group) {
    return table(GROUP, group);
  }

  public static byte[] groups() {
    return new byte[] {GROUP};
  }

  public static byte[] fileSystem(int fileSystem) {
    return table(FILE_SYSTEM, fileSystem);
  }

  public static byte[] fileSystems() {
    return new byte[] {FILE_SYSTEM};
  }

  public static byte[] liveSession(int session) {
    return table(LIVE_SESSION, session);
  }

  public static byte[] liveSessions() {
    return new byte[] {LIVE_SESSION};
  }

  public static byte[] endedSession(int session) {
    return table(ENDED_SESSION, session);
  }

  public static byte[] endedSessions() {
    return new byte[] {ENDED_SESSION};
  }

  /**
   * @param name ASCII
   */
  public static byte[] cacheCluster(String name) {
    byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(1 + ascii.length).put(CACHE_CLUSTER).put(ascii).array();
  }

  public static byte[] cacheClusters() {
    return new byte[] {CACHE_CLUSTER};
  }

  /**
   * A block group that the coordinator has given to a raft group.
   *
   * @param address of its first block
   */
  public static byte[] assignedBlockGroup(int fileSystem, long address) {
    return key(ASSIGNED_BLOCK_GROUP, fileSystem, address, 0).array();
  }

  /** Prefix of the assigned block groups of a file system. */
  public static byte[] assignedBlockGroups(int fileSystem) {
    return table(ASSIGNED_BLOCK_GROUP, fileSystem);
  }

  /** Says that an assigned block group has more blocks than its raft group was told. */
  public static byte[] grownBlockGroup(int fileSystem, long address) {
    return key(GROWN_BLOCK_GROUP, fileSystem, address, 0).array();
  }

  /** Prefix of the grown block groups of a file system. */
  public static byte[] grownBlockGroups(int fileSystem) {
    return table(GROWN_BLOCK_GROUP, fileSystem);
  }

  public static byte[] volumeAllotment(int fileSystem, int volume) {
    return ByteBuffer.allocate(9).put(VOLUME_ALLOTMENT).putInt(fileSystem).putInt(volume).array();
  }

  /** Prefixes of the coordinator's tables that hold rows of a file system's volumes. */
  public static List<byte[]> volumeTablesOf(int fileSystem) {
    return List.of(
        table(ASSIGNED_BLOCK_GROUP, fileSystem),
        table(GROWN_BLOCK_GROUP, fileSystem),
        table(VOLUME_ALLOTMENT, fileSystem));
  }

  /**
   * The number in a key of a table that is kept by one number: session, server, group, file system.
   */
  public static int numberOf(byte[] key) {
    return ByteBuffer.wrap(key).getInt(1);
  }

  public static boolean startsWith(byte[] key, byte[] prefix) {
    return key.length >= prefix.length
        && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
  }

  private static byte[] table(byte table, int number) {
    return ByteBuffer.allocate(5).put(table).putInt(number).array();
  }

  private static ByteBuffer key(byte table, int fileSystem, long inode, int more) {
    return ByteBuffer.allocate(1 + 4 + 8 + more).put(table).putInt(fileSystem).putLong(inode);
  }

  private static byte[] transaction(byte table, TransactionId id) {
    return ByteBuffer.allocate(TRANSACTION_BYTES)
        .put(table)
        .putInt(id.getHomeGroup())
        .putLong(id.getTerm())
        .putLong(id.getNumber())
        .array();
  }
}
