package io.curvefs.e2e;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.dependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.Clock;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.NullMarked;

/** Who may know whom. docs/architecture.md has the picture. */
@AnalyzeClasses(packages = "io.curvefs", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] CONTRACT = {
    "io.curvefs.proto..",
    "io.curvefs.id..",
    "io.curvefs.error..",
    "io.curvefs.slice..",
    "io.curvefs.fault..",
    "io.curvefs.time..",
    "io.curvefs.metrics..",
    "io.curvefs.rpc.."
  };
  private static final String OBJECT_STORE = "io.curvefs.objectstore..";
  private static final String DEVICE = "io.curvefs.space.device..";
  private static final String VOLUME = "io.curvefs.space.volume..";
  private static final String SPACE = "io.curvefs.space..";
  private static final String CACHE = "io.curvefs.cache..";
  private static final String METASERVER = "io.curvefs.metaserver..";
  private static final String CLIENT = "io.curvefs.client..";
  private static final String OURS = "io.curvefs..";

  @ArchTest static final ArchRule theContractKnowsNobody = mayKnowOfOurs(CONTRACT, CONTRACT);

  @ArchTest
  static final ArchRule theObjectStoreKnowsTheContractAlone =
      mayKnowOfOurs(new String[] {OBJECT_STORE}, join(CONTRACT, OBJECT_STORE));

  @ArchTest
  static final ArchRule volumesKnowTheirDevicesAndTheContractAlone =
      mayKnowOfOurs(new String[] {DEVICE, VOLUME}, join(CONTRACT, DEVICE, VOLUME));

  @ArchTest
  static final ArchRule devicesKnowNothingElseOfOurs =
      mayKnowOfOurs(new String[] {DEVICE}, new String[] {DEVICE});

  @ArchTest
  static final ArchRule devicePackagesFormNoCycle =
      slices().matching("io.curvefs.space.device.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule whoUsesADeviceKnowsNoDriver =
      noClasses()
          .that(resideInAPackage(OURS).and(not(resideInAnyPackage(DEVICE))))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.curvefs.space.device.posix..",
              "io.curvefs.space.device.local..",
              "io.curvefs.space.device.remote..",
              "io.curvefs.space.device.nbd..",
              "io.curvefs.space.device.iscsi..");

  @ArchTest
  static final ArchRule theCacheNeverMeetsTheObjectStore =
      mayKnowOfOurs(new String[] {CACHE}, join(CONTRACT, CACHE));

  @ArchTest
  static final ArchRule spaceKnowsTheContractAlone =
      mayKnowOfOurs(new String[] {SPACE}, join(CONTRACT, SPACE));

  @ArchTest
  static final ArchRule placesOnVolumesKnowNobody =
      mayKnowOfOurs(new String[] {"io.curvefs.space"}, new String[] {"io.curvefs.space"});

  @ArchTest
  static final ArchRule bitmapsKnowNobody =
      mayKnowOfOurs(
          new String[] {"io.curvefs.space.bitmap.."}, new String[] {"io.curvefs.space.bitmap.."});

  @ArchTest
  static final ArchRule theAllocatorKnowsNoDevice =
      mayKnowOfOurs(
          new String[] {"io.curvefs.space.group.."},
          new String[] {
            "io.curvefs.space", "io.curvefs.space.bitmap..", "io.curvefs.space.group.."
          });

  @ArchTest
  static final ArchRule onlyTheMetaserverGivesSpace =
      noClasses()
          .that(resideInAPackage(OURS).and(not(resideInAnyPackage(SPACE, METASERVER))))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.curvefs.space.bitmap..", "io.curvefs.space.group..");

  @ArchTest
  static final ArchRule theMetaserverKnowsNeitherClientNorCache =
      mayKnowOfOurs(new String[] {METASERVER}, join(CONTRACT, METASERVER, OBJECT_STORE, SPACE));

  @ArchTest
  static final ArchRule onlyTheCommandsKnowTheServer =
      noClasses()
          .that(resideInAPackage(CLIENT).and(not(resideInAPackage("io.curvefs.client.cli.."))))
          .should()
          .dependOnClassesThat()
          .resideInAPackage(METASERVER);

  @ArchTest
  static final ArchRule whoMeasuresAMountSeesItFromOutside =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.curvefs.client.bench..",
              "io.curvefs.client.epochs..",
              "io.curvefs.client.trial..",
              "io.curvefs.client.quickstart..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              CACHE,
              "io.curvefs.client.meta..",
              "io.curvefs.client.data..",
              "io.curvefs.client.vfs..",
              "io.curvefs.client.fuse..");

  @ArchTest
  static final ArchRule theVfsKnowsNeitherPathsNorFuse =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.curvefs.client.vfs..", "io.curvefs.client.data..", "io.curvefs.client.siblings..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.nio.file..", "jnr..", "ru.serce..", "io.curvefs.client.fuse..");

  @ArchTest
  static final ArchRule warmupKnowsNeitherFuseNorCommands =
      noClasses()
          .that()
          .resideInAPackage("io.curvefs.client.warmup..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              OBJECT_STORE,
              "io.curvefs.client.vfs..",
              "io.curvefs.client.fuse..",
              "io.curvefs.client.mount..",
              "io.curvefs.client.bench..",
              "io.curvefs.client.cli..",
              "jnr..");

  @ArchTest
  static final ArchRule defragmentingKnowsNeitherFuseNorCommandsNorDevices =
      noClasses()
          .that()
          .resideInAPackage("io.curvefs.client.defrag..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              OBJECT_STORE,
              DEVICE,
              "io.curvefs.client.data..",
              "io.curvefs.client.vfs..",
              "io.curvefs.client.fuse..",
              "io.curvefs.client.mount..",
              "io.curvefs.client.bench..",
              "io.curvefs.client.cli..",
              "jnr..");

  @ArchTest
  static final ArchRule thePaceKnowsNobody =
      mayKnowOfOurs(
          new String[] {"io.curvefs.client.pace.."}, new String[] {"io.curvefs.client.pace.."});

  @ArchTest
  static final ArchRule theMetadataClientKnowsNoData =
      noClasses()
          .that()
          .resideInAPackage("io.curvefs.client.meta..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              CACHE, OBJECT_STORE, "io.curvefs.client.data..", "io.curvefs.client.vfs..");

  @ArchTest
  static final ArchRule theJournalKnowsNeitherStoresNorFiles =
      noClasses()
          .that()
          .resideInAPackage("io.curvefs.client.staging..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              OBJECT_STORE,
              "io.curvefs.client.meta..",
              "io.curvefs.client.data..",
              "io.curvefs.client.vfs..");

  @ArchTest
  static final ArchRule theSiblingsKnowNoBytes =
      noClasses()
          .that()
          .resideInAPackage("io.curvefs.client.siblings..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              CACHE, OBJECT_STORE, "io.curvefs.client.data..", "io.curvefs.client.vfs..");

  @ArchTest
  static final ArchRule theAccessLogKnowsNothingElseOfOurs =
      mayKnowOfOurs(
          new String[] {"io.curvefs.client.accesslog.."},
          new String[] {"io.curvefs.client.accesslog.."});

  @ArchTest
  static final ArchRule rulesArePure =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.curvefs.slice..",
              "io.curvefs.id..",
              "io.curvefs.space",
              "io.curvefs.space.bitmap..",
              "io.curvefs.space.group..",
              "io.curvefs.cache.readahead..",
              "io.curvefs.client.stats..",
              "io.curvefs.metaserver.partition..",
              "io.curvefs.metaserver.operation..")
          .should(
              dependOnClassesThat(
                  resideInAnyPackage("java.net..", "java.nio.file..", "java.util.concurrent..")
                      .or(isOneOf(Thread.class, Random.class, Clock.class))))
          .orShould(askTheMachine());

  @ArchTest
  static final ArchRule theAwsSdkStaysInItsAdapter =
      only(
          "software.amazon..", "io.curvefs.objectstore.aws..", "io.curvefs.objectstore.embedded..");

  @ArchTest
  static final ArchRule rocksDbStaysInTheStore =
      only("org.rocksdb..", "io.curvefs.metaserver.store..", "io.curvefs.metaserver.raft..");

  @ArchTest
  static final ArchRule jraftStaysInItsHost = only("com.alipay..", "io.curvefs.metaserver.raft..");

  @ArchTest
  static final ArchRule xmemcachedStaysInItsTier =
      only("net.rubyeye..", "io.curvefs.cache.memcached..");

  @ArchTest
  static final ArchRule prometheusStaysAtItsEndpointAndTheWirings =
      only(
          "io.micrometer.prometheusmetrics..",
          "io.curvefs.metrics..",
          "io.curvefs.client.mount..",
          "io.curvefs.client.cli..");

  @ArchTest
  static final ArchRule nettyStaysInItsTransports =
      only("io.netty.channel..", "io.curvefs.rpc..", "io.curvefs.objectstore.aws..");

  @ArchTest
  static final ArchRule nativeCallsStayAtTheEdges =
      only(
          "jnr..",
          "io.curvefs.space.device.posix..",
          "io.curvefs.space.device.nbd..",
          "io.curvefs.space.device.iscsi..",
          "io.curvefs.client.fuse.jnr..",
          "io.curvefs.client.mount..",
          "io.curvefs.client.trial..",
          "io.curvefs.client.bench..");

  @ArchTest
  static final ArchRule optionsOfCommandsStayInTheCommands =
      only("picocli..", "io.curvefs.client.cli..");

  @ArchTest
  static final ArchRule metaserverPackagesFormNoCycle =
      slices().matching("io.curvefs.metaserver.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule clientPackagesFormNoCycle =
      slices().matching("io.curvefs.client.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule cachePackagesFormNoCycle =
      slices().matching("io.curvefs.cache.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule namesSaySomething =
      noClasses()
          .that()
          .resideInAPackage(OURS)
          .should()
          .haveNameMatching(".*\\.(util|utils|common|helper|helpers|misc|impl|base|manager)\\..*")
          .orShould()
          .haveNameMatching(".*(Util|Utils|Helper|Manager|Impl|Base)");

  @ArchTest
  static final ArchRule everyPackageDeclaresItsNulls =
      classes()
          .that(resideInAPackage(OURS).and(not(resideInAPackage("io.curvefs.proto.."))))
          .should(resideInANullMarkedPackage());

  private static ArchRule mayKnowOfOurs(String[] who, String[] whom) {
    return noClasses()
        .that()
        .resideInAnyPackage(who)
        .should()
        .dependOnClassesThat(resideInAPackage(OURS).and(not(resideInAnyPackage(whom))));
  }

  private static ArchRule only(String library, String... users) {
    return noClasses()
        .that(resideInAPackage(OURS).and(not(resideInAnyPackage(users))))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library);
  }

  private static String[] join(String[] some, String... more) {
    String[] all = Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }

  private static DescribedPredicate<JavaClass> isOneOf(Class<?>... classes) {
    DescribedPredicate<JavaClass> any = not(alwaysTrue());
    for (Class<?> one : classes) {
      any = any.or(JavaClass.Predicates.equivalentTo(one));
    }
    return any;
  }

  /** Time and chance come in from outside, so that the same input gives the same output. */
  private static ArchCondition<JavaClass> askTheMachine() {
    Set<String> asking =
        Set.of(
            "java.lang.System.currentTimeMillis",
            "java.lang.System.nanoTime",
            "java.lang.System.getenv",
            "java.lang.Math.random",
            "java.time.Instant.now",
            "java.util.UUID.randomUUID");
    return new ArchCondition<>("ask the machine for time or chance") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        for (JavaAccess<?> access : item.getAccessesFromSelf()) {
          String called = access.getTargetOwner().getName() + "." + access.getName();
          events.add(
              new SimpleConditionEvent(item, asking.contains(called), access.getDescription()));
        }
      }
    };
  }

  private static ArchCondition<JavaClass> resideInANullMarkedPackage() {
    return new ArchCondition<>("reside in a package that is @NullMarked") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        boolean marked = item.getPackage().isAnnotatedWith(NullMarked.class);
        events.add(
            new SimpleConditionEvent(item, marked, item.getPackageName() + " is not @NullMarked"));
      }
    };
  }
}
