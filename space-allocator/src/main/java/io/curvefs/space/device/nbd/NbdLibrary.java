package io.curvefs.space.device.nbd;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.HeapInvocationBuffer;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.Library;
import com.kenai.jffi.Struct;
import com.kenai.jffi.Type;
import java.io.IOException;
import jnr.ffi.LibraryLoader;
import org.jspecify.annotations.Nullable;

/**
 * libnbd, loaded when the first export is opened. The functions that send commands take a structure
 * of three pointers by value (the callback on completion; none here), which jnr-ffi cannot pass:
 * they are called through jffi beneath it.
 */
final class NbdLibrary {
  private static final String FILE = "libnbd.so.0";

  /** A callback that is not there: three null pointers. */
  private static final byte[] NO_CALLBACK = new byte[3 * Long.BYTES];

  private static final Struct CALLBACK = Struct.newStruct(Type.POINTER, Type.POINTER, Type.POINTER);
  private static final CallContext TRANSFER =
      new CallContext(
          Type.SINT64, Type.POINTER, Type.POINTER, Type.UINT64, Type.UINT64, CALLBACK, Type.UINT32);
  private static final CallContext TRIM =
      new CallContext(Type.SINT64, Type.POINTER, Type.UINT64, Type.UINT64, CALLBACK, Type.UINT32);
  private static final CallContext FLUSH =
      new CallContext(Type.SINT64, Type.POINTER, CALLBACK, Type.UINT32);

  private static @Nullable NbdLibrary loaded;

  private final LibNbd functions;
  private final long pread;
  private final long pwrite;
  private final long trim;
  private final long flush;

  private NbdLibrary(LibNbd functions, Library library) {
    this.functions = functions;
    this.pread = library.getSymbolAddress("nbd_aio_pread");
    this.pwrite = library.getSymbolAddress("nbd_aio_pwrite");
    this.trim = library.getSymbolAddress("nbd_aio_trim");
    this.flush = library.getSymbolAddress("nbd_aio_flush");
  }

  static synchronized NbdLibrary load(String device) throws IOException {
    if (loaded == null) {
      Library library = Library.openLibrary(FILE, Library.LAZY | Library.LOCAL);
      if (library == null) {
        throw new IOException(
            device
                + " needs libnbd, which cannot be loaded ("
                + Library.getLastError()
                + "). Install it: apt-get install libnbd0");
      }
      loaded =
          new NbdLibrary(LibraryLoader.create(LibNbd.class).failImmediately().load(FILE), library);
    }
    return loaded;
  }

  /** All functions without structures. */
  LibNbd functions() {
    return functions;
  }

  /** What the last function of this thread failed with. */
  String error() {
    String error = functions.nbd_get_error();
    return error == null ? "libnbd does not say why" : error;
  }

  long read(long handle, long address, long length, long offset) {
    return transfer(pread, handle, address, length, offset);
  }

  long write(long handle, long address, long length, long offset) {
    return transfer(pwrite, handle, address, length, offset);
  }

  private static long transfer(long function, long handle, long address, long length, long offset) {
    HeapInvocationBuffer arguments = new HeapInvocationBuffer(TRANSFER);
    arguments.putAddress(handle);
    arguments.putAddress(address);
    arguments.putLong(length);
    arguments.putLong(offset);
    arguments.putStruct(NO_CALLBACK, 0);
    arguments.putInt(0);
    return Invoker.getInstance().invokeLong(TRANSFER, function, arguments);
  }

  long trim(long handle, long length, long offset) {
    HeapInvocationBuffer arguments = new HeapInvocationBuffer(TRIM);
    arguments.putAddress(handle);
    arguments.putLong(length);
    arguments.putLong(offset);
    arguments.putStruct(NO_CALLBACK, 0);
    arguments.putInt(0);
    return Invoker.getInstance().invokeLong(TRIM, trim, arguments);
  }

  long flush(long handle) {
    HeapInvocationBuffer arguments = new HeapInvocationBuffer(FLUSH);
    arguments.putAddress(handle);
    arguments.putStruct(NO_CALLBACK, 0);
    arguments.putInt(0);
    return Invoker.getInstance().invokeLong(FLUSH, flush, arguments);
  }
}
